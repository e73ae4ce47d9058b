import { words } from "words-of";

export function rank({ text, top }) {
  const times = new Map();
  for (const word of words(text)) times.set(word, (times.get(word) ?? 0) + 1);
  const ranking = [...times].map(([word, times]) => ({ word, times }));
  ranking.sort((a, b) => b.times - a.times || a.word.localeCompare(b.word));
  return { ranking: ranking.slice(0, top) };
}
