/** A kept version as `GET /func/NAME/versions` lists it. */
export interface Version {
  readonly version: number;
  /** Of the functions' origin: calls this version, with traffic or without. */
  readonly url: string;
  readonly createdAt: string;
  readonly by?: string;
  readonly message?: string;
  readonly commit?: string;
  /** Author of its commit; `Name <address>` if it was pushed. */
  readonly author?: string;
  readonly pinned: boolean;
  /** Part of all calls, from 0 to 1. */
  readonly share: number;
  readonly sourceBytes: number;
}
