/* Text from hostile hands (host names, paths, process names, messages), made safe to print or to put into JSON. */
#ifndef SW_REPORT_CLEAN_H
#define SW_REPORT_CLEAN_H

#include <stddef.h>

/* Valid UTF-8: each byte that belongs to no character becomes U+FFFD. NULL gives NULL. The caller frees. */
char *sw_clean_utf8(const char *text);
/* Also safe for a terminal: control characters as \n, \t, \xNN; what reorders or hides text (bidirectional controls, zero width) as
 * \u202e. NULL gives "". The caller frees. */
char *sw_clean_terminal(const char *text);
/* Columns of a cleaned text; every character counts as one. */
size_t sw_clean_columns(const char *text);

#endif
