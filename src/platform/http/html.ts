import { hashSource } from './security-headers.js';

export interface Link {
  readonly name: string;
  /** Absolute, or relative to the page so that it works behind a prefix. */
  readonly href: string;
  readonly about: string;
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const linkList = (links: readonly Link[]): string =>
  `<dl>${links
    .map(
      ({ name, href, about }) =>
        `<dt><a href="${escapeHtml(href)}">${escapeHtml(name)}</a></dt><dd>${escapeHtml(about)}</dd>`,
    )
    .join('')}</dl>`;

const STYLE = `
:root { color-scheme: light dark; --text: #1c2022; --faint: #55585f; --back: #fbfaf7; --line: #d9d6ce; --link: #1a5fb4; --good: #13714a; --bad: #a51d2d }
@media (prefers-color-scheme: dark) { :root { --text: #e8e6e3; --faint: #b0b3b8; --back: #16181c; --line: #383c44; --link: #8ab8ff; --good: #6fd8a3; --bad: #ff9a9a } }
body { margin: 0 auto; max-width: 40rem; padding: 2rem 1.25rem; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
a { color: var(--link) } code { font-size: .95em } p { margin: .5rem 0 }
.good, .bad { border-left: .3rem solid; padding: .25rem 0 .25rem .75rem; font-weight: 600 } .good { color: var(--good) } .bad { color: var(--bad) }
ul { margin: .5rem 0; padding-left: 1.25rem; color: var(--faint) }
dl { display: grid; grid-template-columns: max-content 1fr; margin: 0; border-top: 1px solid var(--line) }
dt, dd { margin: 0; padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--line) } dd { color: var(--faint) }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dt { border-bottom: 0; padding-bottom: 0 } dd { padding-top: 0 } }
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>Anime Analytics</title><rect width="32" height="32" rx="7" fill="#2b2350"/><path d="M8 24V15M16 24V8M24 24V12" stroke="#ffb454" stroke-width="4" stroke-linecap="round"/></svg>`;

/** A page without scripts and without files other than the icon. */
export const htmlPage = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" type="image/svg+xml" href="favicon.ico">
<style>${STYLE}</style>
</head>
<body><main>${body}
</main></body>
</html>
`;

/** Allows only the page's own style and icon. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hashSource(STYLE)}`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');
