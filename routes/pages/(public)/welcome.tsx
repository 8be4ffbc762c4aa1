import { asset, Head } from "fresh/runtime";
import book from "lucide/book-open.mjs";
import box from "lucide/package.mjs";
import enter from "lucide/log-in.mjs";
import { FlowIllustration } from "@/components/FlowIllustration.tsx";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { define } from "@/routes/page_state.ts";

/** What this machine is, for somebody who found its address. */
export default define.page(({ state: { texts, identity } }) => {
  const { visitors: words } = texts;
  const inside = { href: "/", title: texts.nav.dashboard };
  const outside = { href: "/login", title: words.enter };
  const doors = [
    { ...(identity === null ? outside : inside), text: words.enterText, icon: enter },
    { href: "/docs", title: words.read, text: words.readText, icon: book },
    { href: "/purchase", title: words.request, text: words.requestText, icon: box },
  ];
  return (
    <div class="welcome">
      <Head>
        <title>{`${texts.product}: ${texts.tagline}`}</title>
        <meta name="description" content={words.welcomeIntro} />
        <link rel="stylesheet" href={asset("/ui/visitors.css")} />
      </Head>
      <header class="welcome-head">
        <h1>{words.welcomePromise}</h1>
        <p>{words.welcomeIntro}</p>
      </header>
      <FlowIllustration texts={texts} />
      <ul class="doors">
        {doors.map(({ href, title, text, icon }) => (
          <li key={href}>
            <a href={href}>
              <Icon of={icon as IconData} />
              <span class="door-title">{title}</span>
              <span class="door-text">{text}</span>
            </a>
          </li>
        ))}
      </ul>
      <section class="facts-row" aria-labelledby="facts-title">
        <h2 id="facts-title" class="visually-hidden">{words.factsTitle}</h2>
        {words.facts.map(([title, text]) => (
          <div key={title}>
            <h3>{title}</h3>
            <p>{text}</p>
          </div>
        ))}
      </section>
    </div>
  );
});
