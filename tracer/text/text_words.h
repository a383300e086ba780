/* Words that the text form's writer and reader share: flags of records, events of waits, tokens. Internal to this folder. */
#ifndef SW_TRACER_TEXT_WORDS_H
#define SW_TRACER_TEXT_WORDS_H

#include "tracer/call.h"
#include "tracer/text/text_out.h"

struct sw_word {
	const char *name;
	uint64_t bit;
};

extern const struct sw_word sw_words_call_flags[]; /* each ends with a NULL name */
extern const struct sw_word sw_words_socket_flags[];
extern const struct sw_word sw_words_events[]; /* IN, OUT, ... */
extern const struct sw_word sw_words_domains[]; /* inet, ...: AF_* */
extern const struct sw_word sw_words_types[]; /* stream, ...: SOCK_* */

void sw_words_add(struct sw_out *out, const struct sw_word *words, uint64_t bits, char separator); /* "a,b,0x40"; "0" */
/* false: an unknown word among them. */
bool sw_words_parse(const struct sw_word *words, const char *text, size_t length, char separator, uint64_t *bits);
bool sw_word_find(const struct sw_word *words, const char *text, size_t length, uint64_t *bit);
const char *sw_word_name(const struct sw_word *words, uint64_t bit); /* NULL unknown */

/* A token: bytes up to the next blank that is outside double quotes. */
struct sw_token {
	const char *text;
	size_t length;
};
bool sw_token_next(const char **line, struct sw_token *token); /* false: none left */
bool sw_token_is(const struct sw_token *token, const char *word);
bool sw_token_number(const struct sw_token *token, int64_t *number); /* whole token, decimal or 0x; sign allowed */
bool sw_token_time(const struct sw_token *token, int64_t *ns); /* seconds, or "-": SW_TIME_NONE */
/* "key=value": splits; false when there is no '=' or nothing before it. */
bool sw_token_split(const struct sw_token *token, struct sw_token *key, struct sw_token *value);
/* Value without its quotes and escapes; room at least token->length + 1. Returns the length, NUL terminated. */
size_t sw_token_unquote(const struct sw_token *token, char *buffer);

bool sw_text_addr_parse(const struct sw_token *token, struct sw_addr *addr);
void sw_text_addr_add(struct sw_out *out, const struct sw_addr *addr); /* "none" when absent */
void sw_text_time_add(struct sw_out *out, int64_t ns);

#endif
