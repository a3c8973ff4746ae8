/** A text with the searched words marked. */

export function Highlighted({ text, find }: { text: string; find: string }) {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const parts = words.length ? partsOf(text, words) : null;
  if (!parts) return <>{text}</>;
  return (
    <>
      {parts.map((part, at) => (at % 2 ? <mark key={at}>{part}</mark> : part))}
    </>
  );
}

/** Every second part is one of the words. */
export function partsOf(text: string, words: readonly string[]): string[] {
  const pattern = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text.split(new RegExp(`(${pattern})`, "i"));
}
