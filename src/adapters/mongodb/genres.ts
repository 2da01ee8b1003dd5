import type { DistinctOptions } from 'mongodb';
import { LISTED } from './search.js';
import type { VersionCollections } from './version-collections.js';

/**
 * The genres of what is listed. This command alone has no time limit in the server: FerretDB refuses
 * one, and MongoDB does not read documents for it but steps through an index from genre to genre.
 */
export const distinctGenres = async (
  { animes }: Pick<VersionCollections, 'animes'>,
  options: DistinctOptions = {},
): Promise<readonly unknown[]> => animes.distinct('d.details.genres', LISTED, options);
