/** The dashboard's page as a panel of the editor takes it: style and script inside, and nothing else allowed. Pure. */

const LINKED = /<link rel="(?:icon|stylesheet)"[^>]*>\n?/g;
const SCRIPT = /<script defer src="[^"]*"><\/script>\n?/;

/** The whole page. `nonce` is random for each panel. Throws for a page that it does not know, or parts that would not stay inside. */
export function panelPage(html: string, css: string, js: string, nonce: string): string {
  if (!SCRIPT.test(html) || !html.includes('</head>')) throw new Error('The server gave another page than was asked for.');
  if (/<\/style/i.test(css) || /<\/script|<!--/i.test(js)) throw new Error('The page of the server cannot be shown in a panel.');
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<style nonce="${nonce}">\n${css}</style>`,
    `<script type="module" nonce="${nonce}">\n${js}</script>`,
  ].join('\n');
  const bare = html.replace(LINKED, '').replace(SCRIPT, '');
  const at = bare.indexOf('</head>');
  return `${bare.slice(0, at)}${head}\n${bare.slice(at)}`;
}

/** A page that says why there are no figures. */
export function failedPage(why: string): string {
  const text = why.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<!doctype html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>Sidecar</title></head><body><h1>No figures</h1><p>${text}</p><p>Run "Sidecar: Show Dashboard" again when the server runs.</p></body></html>`;
}
