import { type Language, languages } from './page-texts';

/**
 * The language of a page: the session's, else the one the browser likes best of those there are, else English.
 * Regions are not told apart: `de-AT` is `de`. Source: RFC 9110 §12.5.4.
 */
export function pageLanguage(ofSession: string | undefined, acceptLanguage: string | undefined): Language {
  return (ofSession === undefined ? undefined : known(ofSession)) ?? accepted(acceptLanguage ?? '') ?? 'en';
}

function accepted(header: string): Language | undefined {
  const wishes = header.split(',').flatMap(range => {
    const [, tag, q = '1'] =
      /^\s*([a-z]{2}(?:-[a-z\d-]+)?)\s*(?:;\s*q=(0(?:\.\d*)?|1(?:\.0*)?)\s*)?$/i.exec(range) ?? [];
    const language = tag === undefined ? undefined : known(tag);
    return language === undefined || Number(q) === 0 ? [] : [{ language, quality: Number(q) }];
  });
  // Of equal ones the first stays first.
  return wishes.toSorted((a, b) => b.quality - a.quality)[0]?.language;
}

function known(tag: string): Language | undefined {
  const [primary] = tag.toLowerCase().split('-');
  return languages.find(language => language === primary);
}
