/* The first certificate of a chain: who it is for, who made it, how long it holds, which names it covers.
 *
 * Enters: the body of a Certificate message, hostile, perhaps cut. Leaves: struct sw_tls_certificate. Signatures are not checked: what
 * the other end made of it is told by its alert. Read here rather than by a TLS library: their start-up files, threads and random
 * numbers have no place in a process that is confined. X.690 (DER), RFC 5280. */
#include "capture/tls_certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/cursor.h"

enum {
	TAG_BOOLEAN = 0x01,
	TAG_OCTETS = 0x04,
	TAG_OID = 0x06,
	TAG_UTC_TIME = 0x17,
	TAG_TIME = 0x18,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_VERSION = 0xa0,
	TAG_EXTENSIONS = 0xa3,
	NAME_DNS = 0x82, /* GeneralName [2], [7]: RFC 5280, section 4.2.1.6 */
	NAME_IP = 0x87,
};

static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03}, oid_organization[] = {0x55, 0x04, 0x0a},
		     oid_alternative_name[] = {0x55, 0x1d, 0x11};

struct element {
	uint8_t tag;
	struct sw_cursor value;
	bool whole;
};

/* Tag, length and value; lengths above 4 bytes do not exist in what fits a message. */
static struct element next(struct sw_cursor *cursor)
{
	struct element element = {.tag = sw_cursor_u8(cursor)};
	size_t length = sw_cursor_u8(cursor);

	if (length & 0x80) {
		size_t bytes = length & 0x7f;

		length = 0;
		if (!bytes || bytes > 4)
			cursor->at = cursor->end;
		for (size_t i = 0; i < bytes && bytes <= 4; i++)
			length = length << 8 | sw_cursor_u8(cursor);
	}
	element.whole = !cursor->cut && length <= sw_cursor_left(cursor);
	element.value = sw_cursor_sub(cursor, length);
	return element;
}

static bool is_oid(const struct element *element, const uint8_t *oid, size_t length)
{
	return element->tag == TAG_OID && sw_cursor_left(&element->value) == length &&
	       !memcmp(element->value.at, oid, length);
}

static void copy_text(char *text, size_t size, struct sw_cursor from)
{
	size_t used = 0, length = sw_cursor_left(&from);

	for (; used < length && used + 1 < size; used++)
		text[used] = from.at[used] >= ' ' && from.at[used] < 127 ? (char)from.at[used] : '?';
	text[used] = '\0';
}

/* A distinguished name by its common name, else its organization. */
static void name_text(char *text, size_t size, struct sw_cursor names)
{
	bool common = false;

	text[0] = '\0';
	while (sw_cursor_left(&names) && !common) {
		struct element set = next(&names), pair = next(&set.value), type = next(&pair.value),
			       value = next(&pair.value);

		common = is_oid(&type, oid_common_name, sizeof oid_common_name);
		if (common || (is_oid(&type, oid_organization, sizeof oid_organization) && !text[0]))
			copy_text(text, size, value.value);
	}
}

static int digits(const uint8_t *at)
{
	return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9' ? (at[0] - '0') * 10 + at[1] - '0' : -100;
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ: RFC 5280, section 4.1.2.5. */
static int64_t time_of(const struct element *element)
{
	const uint8_t *at = element->value.at;
	size_t length = sw_cursor_left(&element->value);
	struct tm when = {0};

	if (element->tag == TAG_UTC_TIME && length >= 12) {
		int year = digits(at);

		when.tm_year = year < 50 ? year + 100 : year;
	} else if (element->tag == TAG_TIME && length >= 14) {
		when.tm_year = digits(at) * 100 + digits(at + 2) - 1900;
		at += 2;
	} else {
		return -1;
	}
	when.tm_mon = digits(at + 2) - 1;
	when.tm_mday = digits(at + 4);
	when.tm_hour = digits(at + 6);
	when.tm_min = digits(at + 8);
	when.tm_sec = digits(at + 10);
	if (when.tm_year < 0 || when.tm_mon < 0 || when.tm_mday < 1 || when.tm_hour < 0 || when.tm_min < 0 ||
	    when.tm_sec < 0)
		return -1;
	return (int64_t)timegm(&when);
}

static void add_name(struct sw_tls_certificate *certificate, const char *name)
{
	size_t used = strlen(certificate->names), length = strlen(name);

	if (used + length + 2 > sizeof certificate->names) {
		certificate->names_cut = true;
		return;
	}
	snprintf(certificate->names + used, sizeof certificate->names - used, "%s%s", used ? "," : "", name);
}

static void alternative_names(struct sw_tls_certificate *certificate, struct sw_cursor octets)
{
	struct element list = next(&octets);
	char text[256];

	certificate->names_cut |= !list.whole;
	while (sw_cursor_left(&list.value)) {
		struct element name = next(&list.value);
		size_t length = sw_cursor_left(&name.value);

		if (name.tag == NAME_DNS)
			copy_text(text, sizeof text, name.value);
		else if (name.tag == NAME_IP && length == 4)
			snprintf(text, sizeof text, "%u.%u.%u.%u", name.value.at[0], name.value.at[1], name.value.at[2],
				 name.value.at[3]);
		else
			continue;
		add_name(certificate, text);
	}
}

static void extensions(struct sw_tls_certificate *certificate, struct sw_cursor wrapped)
{
	struct element list = next(&wrapped);

	certificate->names_cut |= !list.whole;
	while (sw_cursor_left(&list.value)) {
		struct element extension = next(&list.value), type = next(&extension.value),
			       value = next(&extension.value);

		if (value.tag == TAG_BOOLEAN) /* critical */
			value = next(&extension.value);
		if (value.tag == TAG_OCTETS && is_oid(&type, oid_alternative_name, sizeof oid_alternative_name))
			alternative_names(certificate, value.value);
	}
}

void sw_tls_certificate(struct sw_tls_certificate *certificate, const uint8_t *bytes, size_t length)
{
	struct sw_cursor message = sw_cursor_of(bytes, length);
	struct element outer, signed_part, part, issuer, validity, subject, from, until;

	*certificate = (struct sw_tls_certificate){0};
	sw_cursor_skip(&message, 6); /* lengths of the list and of its first */
	outer = next(&message);
	signed_part = next(&outer.value);
	part = next(&signed_part.value);
	if (part.tag == TAG_VERSION)
		part = next(&signed_part.value); /* the serial number */
	part = next(&signed_part.value); /* the algorithm */
	issuer = next(&signed_part.value);
	validity = next(&signed_part.value);
	subject = next(&signed_part.value);
	if (outer.tag != TAG_SEQUENCE || issuer.tag != TAG_SEQUENCE || subject.tag != TAG_SEQUENCE || !subject.whole)
		return;
	from = next(&validity.value);
	until = next(&validity.value);
	certificate->from_s = time_of(&from);
	certificate->until_s = time_of(&until);
	certificate->self_signed = sw_cursor_left(&issuer.value) == sw_cursor_left(&subject.value) &&
				   !memcmp(issuer.value.at, subject.value.at, sw_cursor_left(&subject.value));
	name_text(certificate->subject, sizeof certificate->subject, subject.value);
	name_text(certificate->issuer, sizeof certificate->issuer, issuer.value);
	certificate->present = true;
	certificate->names_cut = !signed_part.whole;
	next(&signed_part.value); /* the key */
	while (sw_cursor_left(&signed_part.value)) {
		part = next(&signed_part.value);
		if (part.tag == TAG_EXTENSIONS)
			extensions(certificate, part.value);
	}
}

static bool label_equal(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char x = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] + 32) : a[i],
		     y = b[i] >= 'A' && b[i] <= 'Z' ? (char)(b[i] + 32) : b[i];

		if (x != y)
			return false;
	}
	return true;
}

/* RFC 6125, section 6.4.3: a star stands for the whole first label. */
static bool covers(const char *pattern, size_t length, const char *name)
{
	size_t name_length = strlen(name);

	if (length > 2 && pattern[0] == '*' && pattern[1] == '.') {
		size_t first = strcspn(name, ".");

		return name_length - first == length - 1 && label_equal(name + first, pattern + 1, length - 1);
	}
	return length == name_length && label_equal(pattern, name, length);
}

bool sw_tls_certificate_covers(const struct sw_tls_certificate *certificate, const char *name)
{
	if (certificate->names_cut)
		return true; /* who knows */
	if (!certificate->names[0])
		return covers(certificate->subject, strlen(certificate->subject), name);
	for (const char *at = certificate->names; *at;) {
		size_t length = strcspn(at, ",");

		if (covers(at, length, name))
			return true;
		at += length + (at[length] == ',');
	}
	return false;
}
