import words from '../data/greetings.json';

/** A greeting in a language that the data knows. */
export function greetingFor(name: string, language: string): string {
  const word = (words as Record<string, string>)[language];
  if (word === undefined) {
    throw new RangeError(`language: ${language} is unknown; known are ${Object.keys(words).join(', ')}`);
  }
  return `${word}, ${name}!`;
}
