const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it stands in HTML and XML, in element content and in quoted attributes alike. */
export function markupText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
