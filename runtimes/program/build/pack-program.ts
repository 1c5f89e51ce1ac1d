import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { encodeFiles } from "../../../client-image/project/project-pack.ts";
import type { ChosenStart } from "../../start-order.ts";
import { chooseCommand, type ProgramChoice, type ProgramFiles } from "./choose-command.ts";

/** Fast, as for projects: ConfigMaps compress again. */
const GZIP_LEVEL = 4;

export interface PackedProgram extends ProgramChoice {
  /** The files, encoded and gzipped. */
  readonly body: Uint8Array;
}

/** Packs the files of a program, in a build worker. @throws Problem `invalid_source`, `invalid_setting` */
export async function packProgram(program: ProgramFiles, start: ChosenStart): Promise<PackedProgram> {
  const choice = chooseCommand(program, start);
  const encoded = Buffer.concat([...encodeFiles(program.files)]);
  const body = await promisify<Uint8Array, { level: number }, Buffer>(gzip)(encoded, { level: GZIP_LEVEL });
  return { ...choice, body };
}
