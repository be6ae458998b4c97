// Runs inside the page: what overlaps, is cut off, or cannot be clicked.
export function boxes() {
  const wrong = [];
  const name = (element) =>
    `${element.localName}.${element.className} "${element.getAttribute('aria-label') ?? element.textContent.slice(0, 30)}"`;
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) wrong.push(`the page is ${page.scrollWidth} wide`);
  const dialog = document.querySelector('dialog[open]');
  const seen = (element) => {
    const box = element.getBoundingClientRect();
    return (
      box.width > 1 && box.height > 1 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    );
  };
  const inside = dialog ?? document;
  const things = [...inside.querySelectorAll('button, a, input, summary, meter, label, .item, .badge')].filter(
    (element) => !element.closest('.monaco-editor') && seen(element),
  );
  for (const element of things) {
    // What scrolls is scrolled to.
    element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const box = element.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    if (box.left < -0.5 || box.right > innerWidth + 0.5) wrong.push(`${name(element)} is cut off at the side`);
    if (!element.matches('button, a, input, summary')) continue;
    const top = document.elementFromPoint(x, y);
    if (!top || !(element.contains(top) || top.contains(element) || top.closest('label')?.contains(element))) {
      wrong.push(`${name(element)} lies below ${top && name(top)}`);
    }
  }
  for (const [at, one] of things.entries()) {
    const a = one.getBoundingClientRect();
    for (const other of things.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const b = other.getBoundingClientRect();
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // Whoever scrolls may lie under what does not.
      if (other.matches('.graphiql-tab-close') && other.parentElement.contains(one)) continue;
      const together = one.closest('.graphiql-plugin') === other.closest('.graphiql-plugin');
      if (across > 1 && down > 1 && together) wrong.push(`${name(one)} overlaps ${name(other)}`);
    }
  }
  return wrong;
}
