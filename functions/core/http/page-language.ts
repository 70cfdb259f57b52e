import { type Language, languages } from './page-texts';

/**
 * Returns the language of a page: the session's, else the available one that the browser prefers, else English. Ignores
 * regions: `de-AT` is `de`. Source: RFC 9110 §12.5.4.
 */
export function pageLanguage(sessionLanguage: string | undefined, acceptLanguage: string | undefined): Language {
  return (
    (sessionLanguage === undefined ? undefined : availableLanguage(sessionLanguage)) ??
    preferredLanguage(acceptLanguage ?? '') ??
    'en'
  );
}

function preferredLanguage(header: string): Language | undefined {
  const preferences = header.split(',').flatMap(range => {
    const [, tag, q = '1'] =
      /^\s*([a-z]{2}(?:-[a-z\d-]+)?)\s*(?:;\s*q=(0(?:\.\d*)?|1(?:\.0*)?)\s*)?$/i.exec(range) ?? [];
    const language = tag === undefined ? undefined : availableLanguage(tag);
    return language === undefined || Number(q) === 0 ? [] : [{ language, quality: Number(q) }];
  });
  // The sort is stable: of equal preferences, the first wins.
  return preferences.toSorted((a, b) => b.quality - a.quality)[0]?.language;
}

function availableLanguage(tag: string): Language | undefined {
  const [primary] = tag.toLowerCase().split('-');
  return languages.find(language => language === primary);
}
