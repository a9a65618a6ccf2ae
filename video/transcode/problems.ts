import { PermanentError } from '../../messaging';

/** Every reason for which an upload can never become a video. Codes are stable, texts are for the person who uploaded. */
export const MEDIA_PROBLEMS = {
  SourceMissing: 'The uploaded file is no longer there',
  Empty: 'The file is empty',
  TooLarge: 'The file is too large',
  SizeDiffers: 'The file has another size than was declared: upload it again',
  TypeNotAllowed: 'The file was not uploaded as a video',
  NotAVideo: 'This is not a video file that we can read',
  Unreadable: 'The file is damaged: its index is missing or cut off',
  NoPicture: 'The file holds no video track',
  TooLong: 'The video is too long',
  TooManyPixels: 'The picture is too large',
  TooSlow: 'The video takes too long to encode',
  Truncated: 'The file ends before the video does: upload it again',
  Undecodable: 'The video cannot be decoded',
} as const;

/** A code of {@link MEDIA_PROBLEMS}. */
export type MediaProblem = keyof typeof MEDIA_PROBLEMS;

/** The upload itself is at fault: no retry can help. */
export class MediaError extends PermanentError {
  override name = 'MediaError';
  constructor(
    readonly code: MediaProblem,
    detail?: string,
  ) {
    super(detail === undefined ? MEDIA_PROBLEMS[code] : `${MEDIA_PROBLEMS[code]} (${detail})`);
  }
}
