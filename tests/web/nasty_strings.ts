/**
 * 515 texts that have broken pages, parsers and terminals before, made from classes of them. The
 * same ones at each run; script in them would set `globalThis.nasty` or ask for `/nasty-canary`.
 */
import { seededRandom } from "@/cli/simulate_models.ts";

export const NASTY_COUNT = 515;

/** Where a script that runs against all odds leaves its mark. */
export const CANARY = "nasty";
export const CANARY_PATH = "/nasty-canary";

const SCRIPTS = [
  `globalThis.${CANARY}=1`,
  `fetch('${CANARY_PATH}')`,
  "alert(1)",
  `document.title='${CANARY}'`,
];

/** What a careless page would take for markup. */
function markup(js: string): string[] {
  return [
    ...[`<script>${js}</script>`, `<ScRiPt\n>${js}</sCrIpT>`, `<script/x>${js}</script>`],
    ...[`</script><script>${js}</script>`, `</textarea><script>${js}</script>`],
    ...[`</title><script>${js}</script>`, `</style><script>${js}</script>`],
    ...[`</pre></td></table></main><script>${js}</script>`, `<scr<script>ipt>${js}</script>`],
    ...[`<img src=x onerror=${js}>`, `<img src='x' onerror="${js}"`, `<svg onload=${js}>`],
    ...[`<svg><script>${js}</script></svg>`, `<svg><animate onbegin=${js} attributeName=x>`],
    ...[`"><img src=x onerror="${js}">`, `'><img src=x onerror='${js}'>`],
    ...[`" autofocus onfocus="${js}`, `' onmouseover='${js}`, `x onpointerenter=${js} y=`],
    ...[`<iframe srcdoc="<script>${js}</script>">`, `<iframe src="javascript:${js}">`],
    ...[`<a href="javascript:${js}">here</a>`, `<a href=" &#106;avascript:${js}">here</a>`],
    ...[`<details open ontoggle=${js}>`, `<body onload=${js}>`, `<marquee onstart=${js}>`],
    ...[`<video><source onerror=${js}></video>`, `<object data="javascript:${js}">`],
    ...[`<form action="javascript:${js}"><button>go</button></form>`, `<math><mi//xlink:href="x">`],
    ...[`<meta http-equiv=refresh content="0;url=javascript:${js}">`, `<base href=//evil.example>`],
    ...[`<!--><script>${js}</script>-->`, `<!-- --!><img src=x onerror=${js}>`, `]]><script>${js}`],
    ...[`<template><script>${js}</script></template>`, `island:0--><script>${js}</script>`],
    ...[`<noscript><p title="</noscript><img src=x onerror=${js}>">`, `/island:0--><img src=x>`],
    ...[`<style>*{background:url("javascript:${js}")}</style>`, `<link rel=stylesheet href=//e>`],
    ...[`%3Cscript%3E${js}%3C/script%3E`, `&lt;script&gt;${js}&lt;/script&gt;`],
    ...[`\\u003cscript\\u003e${js}\\u003c/script\\u003e`, `＜script＞${js}＜/script＞`],
    ...[`{{constructor.constructor('${js}')()}}`, `\${${js}}`, `#{${js}}`, `<%= ${js} %>`],
    ...[`javascript:${js}`, `java\tscript:${js}`, `data:text/html,<script>${js}</script>`],
  ];
}

const TEMPLATES = ["{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% raw %}", "[[${7*7}]]", "@{7}"];

const ADDRESSES = [
  ...["JaVaScRiPt:alert(1)", "vbscript:msgbox(1)", "file:///etc/passwd", "//evil.example/x"],
  ...["\\\\evil.example\\x", "http://[::1]:1/", "blob:null/x", "about:blank", "view-source:x"],
  ...["http://user:word@evil.example", "mailto:x?body=y", "https://xn--80ak6aa92e.com/"],
];

const STATEMENTS = [
  ...["' OR '1'='1", "'; DROP TABLE readings; --", '" OR ""="', "1; ATTACH 'x' AS y", "') --"],
  ...[
    "admin'/*",
    "UNION SELECT 1,2,3",
    "%' ESCAPE '!",
    "_%_%",
    "\\'; --",
    "x' || zeroblob(9) || '",
  ],
];

const FORMATS = ["%s%s%s%n", "%x%d%p", "%%", "%1$*2$s", "{0}{1}", "$(id)", "`id`", "; id", "| id"];

const PATHS = [
  ...["../../../../etc/passwd", "..\\..\\windows", "%2e%2e%2f", "..%c0%af", "/dev/null", "CON"],
  ...["./.", "...", "C:\\x", "~/x", "/a//b/./../c", "a/b/c", "?a=b&c=d", "#fragment", "a%00b"],
];

const LINES = [
  ...["cpu,host=a value=1 1", "x value=1\ny value=2", 'a\\ b,c\\=d e="f"', "m,t=\\ v=1", "# x"],
  ...[
    "a,b=c,d=e",
    "=",
    ",",
    " ",
    "\\",
    '"',
    '\\"',
    "'",
    "`",
    "a\r\nSet-Cookie: x=1",
    "x\r\n\r\n<b>",
  ],
];

const FORMULAS = [
  ...['=HYPERLINK("http://evil.example")', "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1"],
  ...["=cmd|'/c calc'!A1", " =1", "'=1", ";=1", '"=1"'],
];

const NUMBERS = [
  ...["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0", "0x10", "0b1", "1_000"],
  ...["1,5", "1.5.5", ".5", "5.", "+5", "--5", "٣", "Ⅷ", "½", "9007199254740993", "1n", "1e", "∞"],
  ...["00000000000000000000", "99999999999999999999999999"],
];

const WORDS = [
  ...["null", "undefined", "true", "false", "none", "nil", "__proto__", "constructor", "prototype"],
  ...[
    "toString",
    "hasOwnProperty",
    "__defineGetter__",
    "valueOf",
    "then",
    "length",
    "[object Object]",
  ],
  ...[
    "+",
    "#",
    "$SYS/x",
    "a/+/b",
    "$share/g/t",
    "{}",
    "[]",
    '{"a":1}',
    '"}],"x":"',
    "\\u0000",
    "\\x00",
  ],
];

const SHAPES = [
  ...[
    "\u202eevil\u202c",
    "\u2066left\u2069",
    "\u200f\u200e\u061c",
    "a\u200bb\u200cc\u200dd",
    "\ufeff",
  ],
  ...[
    "\u2028\u2029",
    "\u0085",
    "\u00ad",
    "e\u0301\u0302\u0303",
    "Z\u0351\u0352".repeat(20),
    "\ufffd",
  ],
  ...["\ud800", "\udc00", "a\ud83d", "\ude00b", "\ud83d\ude00", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "\ufffe\uffff"],
  ...[
    "\u{10ffff}",
    "\u{e0001}",
    "İıſK",
    "ß",
    "ﬃ",
    "مرحبا",
    "שלום",
    "ｗｉｄｅ",
    "аdmin",
    "日本語".repeat(40),
  ],
  ...["\u001b[31mred\u001b[0m", "\u001b]0;title\u0007", "\b\b\bback", "bell\u0007", "\u009b2J"],
  ...["   ", "\n", "\n\nfirst", "last\n", "\t", "\u00a0", "\u3000", "a\u0000b", "\u0000", ""],
];

const LONG = [
  ...["a".repeat(1024), "a".repeat(5000), "W".repeat(128), "<b>".repeat(200), "&amp;".repeat(200)],
  ...[
    "x ".repeat(500),
    "\ud83d\ude00".repeat(200),
    "'".repeat(300),
    '"'.repeat(300),
    "\\".repeat(300),
  ],
  ...[
    "{".repeat(200),
    "[".repeat(1000),
    "-".repeat(400),
    "\u0301".repeat(300),
    "\u202e".repeat(50),
  ],
];

/** Each control character but those above, between letters. */
function controls(): string[] {
  const codes = [...Array(32).keys(), ...Array.from({ length: 33 }, (_, i) => 127 + i)];
  return codes.map((code) => `a${String.fromCodePoint(code)}b`);
}

/** Broken pieces of all of the above in a random order. */
function* mixtures(): Generator<string> {
  const random = seededRandom(515);
  const pieces = [
    ...[
      "<",
      ">",
      '"',
      "'",
      "&",
      "`",
      "=",
      "/",
      "\\",
      "<!--",
      "-->",
      "</script",
      "<script",
      "onerror=",
    ],
    ...[
      "javascript:",
      "{{",
      "}}",
      "${",
      "]]>",
      "\u202e",
      "\u0000",
      "\ud800",
      "\r\n",
      "%3c",
      "&#x3c;",
    ],
    ...[
      "alert(1)",
      " ",
      "a",
      ";",
      "(",
      ")",
      "<svg",
      "<img src=x ",
      "island:0",
      "\u2028",
      "é",
      "😀",
    ],
  ];
  for (;;) {
    const length = 2 + Math.floor(random() * 12);
    const pick = () => pieces[Math.floor(random() * pieces.length)]!;
    yield Array.from({ length }, pick).join("");
  }
}

function make(): string[] {
  const texts = new Set([
    ...SCRIPTS.flatMap(markup),
    ...[TEMPLATES, ADDRESSES, STATEMENTS, FORMATS, PATHS, LINES, FORMULAS, NUMBERS, WORDS].flat(),
    ...[SHAPES, LONG, controls()].flat(),
  ]);
  const mixed = mixtures();
  while (texts.size < NASTY_COUNT) texts.add(mixed.next().value);
  return [...texts].slice(0, NASTY_COUNT);
}

export const NASTY: readonly string[] = make();
