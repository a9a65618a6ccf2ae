/** A line of the log without ids of messages and uploads, which say nothing to a reader. */
export function brief(text: string): string {
  return text
    .replace(/\b(?:messageId|id|generation) [\w-]+(?:, )?/g, '')
    .replace(/ ?\((?:, )*\)/g, '')
    .replace(/, \)/g, ')');
}
