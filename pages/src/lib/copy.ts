/// Puts a text on the clipboard; false where the browser doesn't let us, so that the person can
/// be asked to select it.
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
