// What mail programs are told of the outgoing server (Mozilla's autoconfig, which this server
// answers for every domain of its own).
export interface Outgoing {
  readonly host: string;
  readonly port: string;
  readonly security: string;
}

/// The first outgoing server of the document. Its values are plain words (host names, numbers), so
/// they are taken out as text; anything else in their place is no match.
export function read(document: string): Outgoing | null {
  const server = /<outgoingServer\b[^>]*>([\s\S]*?)<\/outgoingServer>/.exec(document)?.[1] ?? '';
  const word = (name: string) => new RegExp(`<${name}>\\s*([\\w.-]+)\\s*</${name}>`).exec(server)?.[1] ?? '';
  const found = { host: word('hostname'), port: word('port'), security: word('socketType') };
  return found.host && found.port ? found : null;
}

/// Nothing where the document names no outgoing server, or can't be had: the guides have it all.
export async function outgoing(address: string): Promise<Outgoing | null> {
  try {
    const answer = await fetch(`/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=${encodeURIComponent(address)}`);
    return answer.ok ? read(await answer.text()) : null;
  } catch {
    return null;
  }
}
