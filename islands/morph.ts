/**
 * Makes a part of the page equal to newer markup of it, changing only what differs: focus, open
 * folds and running animations of everything else stay as they are.
 */
export function morph(old: Node, now: Node): void {
  const [before, after] = [[...old.childNodes], [...now.childNodes]];
  after.forEach((child, i) => {
    const known = before[i];
    if (known === undefined) old.appendChild(document.importNode(child, true));
    else if (known.nodeName !== child.nodeName) {
      old.replaceChild(document.importNode(child, true), known);
    } else {
      if (known instanceof Element) morphAttributes(known, child as Element);
      else if (known.nodeValue !== child.nodeValue) known.nodeValue = child.nodeValue;
      morph(known, child);
    }
  });
  for (const child of before.slice(after.length)) old.removeChild(child);
}

function morphAttributes(old: Element, now: Element): void {
  for (const { name, value } of [...now.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
}
