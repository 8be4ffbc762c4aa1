/** Two gates and the water between them. */
export function Brand({ name, href = "/" }: { name: string; href?: string }) {
  return (
    <a class="brand" href={href}>
      <svg viewBox="0 0 26 26" width="26" height="26" aria-hidden="true">
        <rect class="brand-gate" x="2" y="3" width="4" height="20" rx="1.5" />
        <rect class="brand-gate" x="20" y="3" width="4" height="20" rx="1.5" />
        <rect class="brand-door" x="8" y="3" width="10" height="8" rx="1.5" />
        <path class="brand-water" d="M8 16c2 0 2 2 5 2s3-2 5-2M8 20c2 0 2 2 5 2s3-2 5-2" />
      </svg>
      <span>{name}</span>
    </a>
  );
}
