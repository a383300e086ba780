/* Words, and texts made of them: each word has another one of the same length that stands for it wherever it occurs, so that a name in
 * an argument, in DNS and in a ClientHello is the same name afterwards.
 *
 * Enters: text of any kind. Leaves: text of the same shape. What is no address, no common word and no short number is replaced. */
#include <ctype.h>
#include <string.h>
#include <uthash.h>

#include "src/anonymize/internal.h"

#define WORD_MAX 255u /* longer ones are hashed whole and cut into pieces */
#define TRIES 64
#define WORDS_MAX 200000u /* names that a flood of DNS could bring; above it one stands for several */

enum { DOMAIN_WORD = 2 };

struct entry {
	UT_hash_handle hh;
	char *shown;
	char word[];
};

struct taken {
	UT_hash_handle hh;
	char word[];
};

struct sw_pseudonyms {
	struct entry *entries;
	struct taken *taken;
};

/* Words that name no one: parts of standard paths and of sockets that libraries look for, schemes, special names of RFC 6761. With them
 * a path keeps its meaning for the verdicts. To add one: here, in lower case. */
static const char *const common[] = {
	"abstract", "addr",   "arpa",    "avahi",  "bin",     "bus",    "conf",      "daemon", "dbus", "dev",
	"dns",      "docker", "etc",     "fd",     "file",    "home",   "http",      "https",  "in",   "invalid",
	"io",       "ip6",    "journal", "lib",    "lib64",   "local",  "localhost", "log",    "mnt",  "net",
	"notify",   "nscd",   "null",    "opt",    "pcap",    "pcapng", "pipes",     "podman", "proc", "resolve",
	"root",     "run",    "sbin",    "self",   "setrans", "share",  "sock",      "socket", "srv",  "ss",
	"sss",      "stdout", "sys",     "system", "systemd", "tcp",    "test",      "tmp",    "udp",  "unix",
	"userdb",   "usr",    "var",     "www",
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_common(const char *word, size_t length)
{
	for (size_t i = 0; i < SW_COUNT(common); i++)
		if (strlen(common[i]) == length && strncasecmp(common[i], word, length) == 0)
			return true;
	return false;
}

/* Pronounceable, so that a person can tell two of them apart. */
static void invent(const struct sw_anonymizer *anonymizer, const char *word, size_t length, uint8_t attempt,
		   char *shown)
{
	static const char consonants[] = "bcdfghjklmnpqrstvwxz", vowels[] = "aeiouy";
	char seed[WORD_MAX + 2] = {0};
	memcpy(seed, word, length);
	uint64_t hash = 0;
	for (size_t i = 0; i < length; i++) {
		if (i % 8 == 0) {
			seed[length] = (char)attempt;
			seed[length + 1] = (char)(i / 8);
			hash = sw_anonymizer_hash(anonymizer, DOMAIN_WORD, seed, length + 2);
		}
		uint8_t byte = (uint8_t)(hash >> 8 * (i % 8));
		shown[i] = i % 2 ? vowels[byte % 6] : consonants[byte % 20];
	}
	shown[length] = 0;
}

static bool take(struct sw_pseudonyms *words, const char *shown)
{
	struct taken *taken;
	HASH_FIND_STR(words->taken, shown, taken);
	if (taken)
		return false;
	taken = sw_alloc(sizeof *taken + strlen(shown) + 1);
	strcpy(taken->word, shown);
	HASH_ADD_STR(words->taken, word, taken);
	return true;
}

static const char *look_up(struct sw_anonymizer *anonymizer, const char *word, size_t length, char *room)
{
	struct entry *entry;
	if (!anonymizer->words)
		anonymizer->words = sw_alloc(sizeof *anonymizer->words);
	struct sw_pseudonyms *words = anonymizer->words;
	HASH_FIND(hh, words->entries, word, length, entry);
	if (entry)
		return entry->shown;
	bool remember = HASH_COUNT(words->entries) < WORDS_MAX;
	for (int attempt = 0; attempt < TRIES; attempt++) {
		invent(anonymizer, word, length, (uint8_t)attempt, room);
		if (memcmp(room, word, length) != 0 && !is_common(room, length) && (!remember || take(words, room)))
			break;
	}
	if (!remember)
		return room;
	entry = sw_alloc(sizeof *entry + length + 1);
	memcpy(entry->word, word, length);
	entry->shown = sw_strdup(room);
	HASH_ADD(hh, words->entries, word[0], length, entry);
	return entry->shown;
}

bool sw_anonymizer_knows(const struct sw_anonymizer *anonymizer, const char *word, size_t length)
{
	char lower[WORD_MAX + 1] = {0};
	struct entry *entry = NULL;
	for (size_t i = 0; i < length && i < WORD_MAX; i++)
		lower[i] = (char)tolower((unsigned char)word[i]);
	if (anonymizer->words)
		HASH_FIND(hh, anonymizer->words->entries, lower, length, entry);
	return entry != NULL;
}

void sw_pseudonyms_free(struct sw_pseudonyms *words)
{
	struct entry *entry, *next;
	struct taken *taken, *after;
	if (!words)
		return;
	HASH_ITER (hh, words->entries, entry, next) {
		HASH_DEL(words->entries, entry);
		free(entry->shown);
		free(entry);
	}
	HASH_ITER (hh, words->taken, taken, after) {
		HASH_DEL(words->taken, taken);
		free(taken);
	}
	free(words);
}

void sw_anonymizer_word(struct sw_anonymizer *anonymizer, char *word, size_t length)
{
	char lower[WORD_MAX + 1] = {0}, room[WORD_MAX + 1];
	if (is_common(word, length))
		return;
	for (; length > WORD_MAX; word += WORD_MAX, length -= WORD_MAX)
		sw_anonymizer_word(anonymizer, word, WORD_MAX);
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)tolower((unsigned char)word[i]);
	if (length)
		memcpy(word, look_up(anonymizer, lower, length, room), length);
}

void sw_anonymizer_name(struct sw_anonymizer *anonymizer, char *name, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t end = at;
		while (end < length && is_word(name[end]))
			end++;
		if (end > at)
			sw_anonymizer_word(anonymizer, name + at, end - at);
		at = end + 1;
	}
}

/* ---- text --------------------------------------------------------------------------------------------------------------- */

struct out {
	char *text;
	size_t length, room;
};

static void add(struct out *out, const char *text, size_t length)
{
	if (out->length + length + 1 > out->room) {
		out->room = 2 * (out->length + length + 1);
		out->text = sw_realloc(out->text, out->room);
	}
	memcpy(out->text + out->length, text, length);
	out->length += length;
	out->text[out->length] = 0;
}

/* The address that begins here: its length, 0 when there is none. */
static size_t address_at(const char *at, struct sw_ip *ip)
{
	static const char *const alphabets[] = {"0123456789.", "0123456789abcdefABCDEF:."};
	char copy[64];
	for (size_t i = 0; i < SW_COUNT(alphabets); i++) {
		size_t length = strspn(at, alphabets[i]);
		while (length > 2 && (at[length - 1] == '.' || (at[length - 1] == ':' && at[length - 2] != ':')))
			length--;
		if (length < 2 || length >= sizeof copy || is_word(at[length]))
			continue;
		memcpy(copy, at, length);
		copy[length] = 0;
		if (sw_ip_parse(copy, ip))
			return length;
	}
	return 0;
}

static bool may_begin_address(const char *text, const char *at)
{
	return (isxdigit((unsigned char)*at) || *at == ':') && (at == text || !(is_word(at[-1]) || at[-1] == '.'));
}

/* A port or a small number that stands for itself: after ':' or '=', or alone. */
static bool is_number(const char *text, const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isdigit((unsigned char)at[i]))
			return false;
	bool before = at == text || strchr(" \t\n:=", at[-1]) != NULL;
	return length <= 5 && before && (at[length] == 0 || strchr(" \t\n/,;)", at[length]) != NULL);
}

static void add_word(struct sw_anonymizer *anonymizer, struct out *out, const char *text, const char *at, size_t length)
{
	size_t begin = out->length;
	add(out, at, length);
	if (!is_number(text, at, length))
		sw_anonymizer_word(anonymizer, out->text + begin, length);
}

static void scrub(struct sw_anonymizer *anonymizer, const char *text, struct out *out)
{
	char address[SW_ADDR_TEXT];
	for (const char *at = text; *at;) {
		struct sw_ip ip;
		size_t length = may_begin_address(text, at) ? address_at(at, &ip) : 0;
		if (length) {
			ip = sw_anonymizer_ip(anonymizer, &ip);
			sw_ip_text(&ip, address);
			add(out, address, strlen(address));
			at += length;
			continue;
		}
		while (is_word(at[length]))
			length++;
		if (length)
			add_word(anonymizer, out, text, at, length);
		else
			add(out, at, length = 1);
		at += length;
	}
}

char *sw_anonymizer_text(struct sw_anonymizer *anonymizer, const char *text)
{
	struct out out = {0};
	if (!text || !anonymizer)
		return sw_strdup(text);
	add(&out, "", 0);
	scrub(anonymizer, text, &out);
	return out.text;
}

/* ---- commands ----------------------------------------------------------------------------------------------------------- */

/* The bytes of an option's own name: "--max-time", "-v"; a short option's value may follow it directly and is not its name. */
static size_t option_name(const char *argument)
{
	if (argument[0] != '-' || !argument[1])
		return 0;
	if (argument[1] != '-')
		return isalpha((unsigned char)argument[1]) ? 2 : 0;
	size_t length = 2 + strspn(argument + 2, "abcdefghijklmnopqrstuvwxyz-");
	return argument[length] == 0 || argument[length] == '=' ? length : 0;
}

char *sw_anonymizer_argument(struct sw_anonymizer *anonymizer, const char *text, bool program)
{
	struct out out = {0};
	const char *slash = strrchr(text, '/');
	size_t kept = program ? 0 : option_name(text);
	add(&out, text, kept);
	if (!program) {
		scrub(anonymizer, text + kept, &out);
		return out.text;
	}
	sw_auto_free char *folder = sw_strndup(text, slash ? (size_t)(slash + 1 - text) : 0);
	scrub(anonymizer, folder, &out);
	add(&out, slash ? slash + 1 : text, strlen(slash ? slash + 1 : text));
	return out.text;
}
