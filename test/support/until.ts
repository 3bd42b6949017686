/** Waits until something is so, and fails where it does not become so. */
export async function until(isSo: () => boolean | Promise<boolean>, patienceMs = 20_000): Promise<void> {
  const patience = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > patience) throw new Error(`waited in vain until ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
