/**
 * The form in which texts are compared without regard to case: every spelling of the same
 * characters, whatever its case, width or composition, comes out the same. Read stores keep it
 * beside the text and bring what is searched for into it too.
 */
export const searchText = (text: string): string =>
  text.normalize('NFKC').toLocaleLowerCase('en').normalize('NFKC').replaceAll('ς', 'σ');
