/** A file of the folder `examples`, as text: see dashboard/build/bundle.ts. */
declare module "example:*" {
  const text: string;
  export default text;
}
