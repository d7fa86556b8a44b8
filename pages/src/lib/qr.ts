// The server draws QR codes as SVG text: a square of so many modules and one path. Taken apart here
// and drawn anew, so that no text becomes markup.
export interface QrCode {
  readonly side: number;
  readonly path: string;
}

export function readQr(svg: string): QrCode | null {
  const side = Number(/viewBox="0 0 (\d{1,4}) \d{1,4}"/.exec(svg)?.[1] ?? 0);
  const path = /<path[^>]* d="([Mhvz0-9 -]*)"/.exec(svg)?.[1] ?? '';
  return side > 0 && path !== '' ? { side, path } : null;
}
