/**
 * Field of a problem with which a router answers a call that no instance has got. Only calls with the internal key have it;
 * routers remove fields with this prefix from the responses of functions.
 */
export const UNFORWARDED_HEADER = "x-skiff-unforwarded";
