/* SW_SANITIZED: 1 in a build with the address sanitizer, whose runtime at its end makes calls that no filter of ours would allow (it
 * traces its own process), else 0. */
#ifndef SW_BASE_SANITIZED_H
#define SW_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SW_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SW_SANITIZED 1
#endif
#endif
#ifndef SW_SANITIZED
#define SW_SANITIZED 0
#endif

#endif
