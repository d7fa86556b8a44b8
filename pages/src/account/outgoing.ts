// What mail programs are told of the outgoing server (Mozilla's autoconfig, which this server
// answers for every domain of its own).
export interface Outgoing {
  readonly host: string;
  readonly port: string;
  readonly security: string;
}

/// Nothing where the document names no outgoing server, or can't be had: the guides have it all.
export async function outgoing(address: string): Promise<Outgoing | null> {
  try {
    const answer = await fetch(`/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=${encodeURIComponent(address)}`);
    if (!answer.ok) return null;
    const document = new DOMParser().parseFromString(await answer.text(), 'text/xml');
    const server = document.querySelector('outgoingServer');
    const text = (name: string) => server?.querySelector(name)?.textContent?.trim() ?? '';
    const found = { host: text('hostname'), port: text('port'), security: text('socketType') };
    return found.host && found.port ? found : null;
  } catch {
    return null;
  }
}
