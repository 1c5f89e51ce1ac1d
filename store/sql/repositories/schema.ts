import type { Migration } from "../dialect.ts";

/**
 * Git repositories: a row with refs and state, and packs in parts. A pack is `named` once a row has it. Revisions come from
 * a sequence, so that a removed repository and a new one with its name never have the same.
 */
export const REPOSITORIES: Migration = ({ text, integer, bytes, end, hasLogs }) => {
  // One machine has them in a folder.
  if (!hasLogs) return "";
  return `
    CREATE SEQUENCE repository_revisions;
    CREATE TABLE repositories (
      name ${text} PRIMARY KEY, revision ${integer} NOT NULL, refs ${text} NOT NULL, packs ${text} NOT NULL,
      functions text[] NOT NULL, state ${text} NOT NULL, updated_at ${integer} NOT NULL
    ) ${end};
    CREATE INDEX repositories_functions ON repositories USING gin (functions);
    CREATE TABLE repository_packs (
      upload ${text} PRIMARY KEY, repository ${text} NOT NULL, id ${text} NOT NULL, bytes ${integer} NOT NULL,
      complete ${integer} NOT NULL, named ${integer} NOT NULL, written_at ${integer} NOT NULL
    ) ${end};
    CREATE INDEX repository_packs_id ON repository_packs (repository, id);
    CREATE INDEX repository_packs_unnamed ON repository_packs (written_at) WHERE named = 0;
    CREATE TABLE repository_pack_parts (
      upload ${text} NOT NULL, part ${integer} NOT NULL, bytes ${bytes} NOT NULL, PRIMARY KEY (upload, part)
    ) ${end};
    ALTER TABLE repository_pack_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;`;
};
