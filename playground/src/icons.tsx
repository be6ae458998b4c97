// Drawn like GraphiQL's own.
const line = {
  fill: 'none',
  stroke: 'currentColor',
  strokeWidth: 1.5,
  strokeLinecap: 'round',
  strokeLinejoin: 'round',
} as const;

export function ExamplesIcon() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" {...line}>
      <path d="M10 5.2C8.2 3.9 5.8 3.4 3 3.6v11.6c2.8-.2 5.2.3 7 1.6 1.8-1.3 4.2-1.8 7-1.6V3.6c-2.8-.2-5.2.3-7 1.6Zm0 0v11.6" />
    </svg>
  );
}

export function SystemIcon() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" {...line}>
      <circle cx="10" cy="10" r="7" />
      <path d="M10 3a7 7 0 0 1 0 14Z" fill="currentColor" />
    </svg>
  );
}

export function LightIcon() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" {...line}>
      <circle cx="10" cy="10" r="3.4" />
      <path d="M10 2v1.6M10 16.4V18M2 10h1.6M16.4 10H18M4.3 4.3l1.2 1.2M14.5 14.5l1.2 1.2M4.3 15.7l1.2-1.2M14.5 5.5l1.2-1.2" />
    </svg>
  );
}

export function DarkIcon() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" {...line}>
      <path d="M16.5 11.8A7 7 0 0 1 8.2 3.5a7 7 0 1 0 8.3 8.3Z" />
    </svg>
  );
}

export function SignOutIcon() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" {...line}>
      <path d="M8 3.5H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.5h3M12.5 13.5 16 10l-3.5-3.5M16 10H8" />
    </svg>
  );
}
