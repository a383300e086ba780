/* What a program said on standard error: sentences, in which the words of error messages stay and everything else is replaced.
 *
 * Enters: text as it was written, escape sequences included. Leaves: text of the same shape. A word stays when it stands alone and is
 * one that the C library's own messages have, one of the table below, or the name of a traced program; never when it has occurred as a
 * name, or as a part of one, before. */
#include <ctype.h>
#include <netdb.h>
#include <string.h>

#include "src/anonymize/internal.h"
#include "src/base/arena.h"

#define ERRNO_LAST 133
#define PROGRAMS_MAX 256u

/* Words of error messages that the C library's have not. To add one: here, in lower case, when it can name nobody. */
static const char *const ordinary[] = {
	"a",          "after",       "all",       "answer",    "any",     "as",           "at",       "attempt",
	"be",         "because",     "by",        "call",      "cannot",  "client",       "closed",   "code",
	"connect",    "connecting",  "could",     "couldn",    "didn",    "doesn",        "due",      "during",
	"end",        "err",         "errno",     "exception", "exit",    "exited",       "failed",   "fatal",
	"for",        "from",        "get",       "giving",    "got",     "handshake",    "hostname", "https",
	"last",       "left",        "line",      "lost",      "main",    "milliseconds", "most",     "ms",
	"not",        "of",          "opening",   "or",        "packet",  "panic",        "peer",     "port",
	"reading",    "read",        "received",  "receiving", "recent",  "recv",         "refused",  "remote",
	"reply",      "resolve",     "resolving", "response",  "retries", "retry",        "retrying", "s",
	"seconds",    "sec",         "send",      "sending",   "sent",    "server",       "ssl",      "t",
	"thread",     "timeout",     "tls",       "traceback", "tries",   "try",          "trying",   "unable",
	"unexpected", "unreachable", "up",        "waiting",   "warning", "was",          "while",    "with",
	"within",     "writing",
};

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool has_word(const char *sentence, const char *word, size_t length)
{
	for (const char *at = sentence; sentence && (at = strcasestr(at, word)); at++)
		if ((at == sentence || !is_letter(at[-1])) && !is_letter(at[length]))
			return true;
	return false;
}

static bool is_of_the_library(const char *word, size_t length)
{
	for (int error = 1; error <= ERRNO_LAST; error++)
		if (has_word(strerrordesc_np(error), word, length) || has_word(strerrorname_np(error), word, length))
			return true;
	for (int code = EAI_BADFLAGS; code >= EAI_OVERFLOW; code--)
		if (has_word(gai_strerror(code), word, length))
			return true;
	return false;
}

static bool is_program(const struct sw_anonymizer *anonymizer, const char *word)
{
	for (size_t i = 0; i < anonymizer->programs.count; i++)
		if (strcmp(anonymizer->programs.items[i], word) == 0)
			return true;
	return false;
}

static bool stays(const struct sw_anonymizer *anonymizer, const char *at, size_t length)
{
	char word[32];
	if (length >= sizeof word)
		return false;
	memcpy(word, at, length);
	word[length] = 0;
	if (strspn(word, "0123456789") == length)
		return length <= 5;
	if (is_program(anonymizer, word))
		return true;
	if (sw_anonymizer_knows(anonymizer, word, length))
		return false;
	for (size_t i = 0; i < SW_COUNT(ordinary); i++)
		if (strcasecmp(ordinary[i], word) == 0)
			return true;
	return is_of_the_library(word, length);
}

/* Not a part of an address, a host's name, a path or a name with a line in it. */
static bool stands_alone(const char *text, const char *at, size_t length)
{
	if (at > text && strchr(".:/@-_\\%", at[-1]))
		return false;
	if (at[length] && strchr("/@-_\\%", at[length]))
		return false;
	return !(at[length] && strchr(".:", at[length]) && (is_letter(at[length + 1]) || at[length + 1] == ':'));
}

/* ESC [ ... letter; other sequences have nothing in them that could be taken for a word. */
static size_t escape_length(const char *at)
{
	if (at[0] != 0x1b || at[1] != '[')
		return 0;
	size_t length = 2 + strspn(at + 2, "0123456789;:?<=>! ");
	return at[length] ? length + 1 : length;
}

struct sentence {
	struct sw_anonymizer *anonymizer;
	char *text;
	const char *pending; /* what is to be replaced begins here */
};

static void append(struct sentence *sentence, const char *more, size_t length)
{
	char *longer = sw_format("%s%.*s", sentence->text, (int)length, more);
	free(sentence->text);
	sentence->text = longer;
}

static void replace_until(struct sentence *sentence, const char *end)
{
	sw_auto_free char *piece = sw_strndup(sentence->pending, (size_t)(end - sentence->pending));
	sw_auto_free char *shown = sw_anonymizer_text(sentence->anonymizer, piece);
	append(sentence, shown, strlen(shown));
	sentence->pending = end;
}

static void keep(struct sentence *sentence, const char *at, size_t length)
{
	replace_until(sentence, at);
	append(sentence, at, length);
	sentence->pending = at + length;
}

/* At the edge of a piece of a line: it may go on elsewhere. */
static bool is_cut(const char *text, const char *at, size_t length)
{
	return !at[length] || (at == text && isdigit((unsigned char)*at));
}

static void replace(struct sentence *sentence, const char *at, size_t length)
{
	sw_auto_free char *word = sw_strndup(at, length);
	replace_until(sentence, at);
	sw_anonymizer_word(sentence->anonymizer, word, length);
	append(sentence, word, length);
	sentence->pending = at + length;
}

char *sw_anonymizer_said(struct sw_anonymizer *anonymizer, const char *text)
{
	struct sentence sentence = {anonymizer, sw_strdup(""), text};
	for (const char *at = text; *at;) {
		size_t length = escape_length(at);
		if (length) {
			keep(&sentence, at, length);
			at += length;
			continue;
		}
		while (is_letter(at[length]))
			length++;
		if (length && is_cut(text, at, length))
			replace(&sentence, at, length);
		else if (length && stands_alone(text, at, length) && stays(anonymizer, at, length))
			keep(&sentence, at, length);
		at += length ? length : 1;
	}
	replace_until(&sentence, text + strlen(text));
	return sentence.text;
}

void sw_anonymizer_program(struct sw_anonymizer *anonymizer, const char *comm)
{
	if (!comm || !*comm || anonymizer->programs.count >= PROGRAMS_MAX || is_program(anonymizer, comm))
		return;
	*SW_ARRAY_ADD(&anonymizer->programs) = sw_arena_strdup(anonymizer->arena, comm);
}
