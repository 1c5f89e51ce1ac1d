/**
 * Tests need tools of the system, such as curl for the commands of documents and groupadd for PostgreSQL. They are in its standard
 * folders also where PATH has little more than npm, git and a shell.
 */
import { delimiter } from "node:path";

const FOLDERS = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
const { PATH = "" } = process.env;
const missing = FOLDERS.filter((folder) => !PATH.split(delimiter).includes(folder));
process.env.PATH = [PATH, ...missing].join(delimiter);
