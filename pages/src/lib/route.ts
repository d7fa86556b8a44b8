// Where the reader is: what stands after # in the address. Pure, so that tests need no browser.
export interface Route {
  readonly page: string;
  readonly rest: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody's own %
  }
}

/// "#/queue/example.org?state=held": page "queue", rest ["example.org"], query {state: "held"}.
export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [page = '', ...rest] = path.split('/').filter((part) => part !== '').map(decode);
  return { page, rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function write(page: string, rest: readonly string[] = [], query: Readonly<Record<string, string>> = {}): string {
  const path = ['#', page, ...rest.map(encodeURIComponent)].join('/');
  const asked = new URLSearchParams(query).toString();
  return asked ? `${path}?${asked}` : path;
}
