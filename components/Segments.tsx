/** A choice of a few, as links: works without script and can be bookmarked. */
export function Segments(
  { label, options, current }: {
    label: string;
    options: readonly { value: string; label: string; href: string }[];
    current: string;
  },
) {
  return (
    <nav class="seg" aria-label={label}>
      {options.map((option) => (
        <a
          key={option.value}
          href={option.href}
          aria-current={option.value === current ? "true" : undefined}
        >
          {option.label}
        </a>
      ))}
    </nav>
  );
}
