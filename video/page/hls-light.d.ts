/** The package types its full build only; the light one (no captions, no alternate audio) has the same API. */
declare module 'hls.js/light' {
  export { default } from 'hls.js';
}
