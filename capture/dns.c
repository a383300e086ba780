/* The DNS decoder. Enters: the bytes of a message, hostile. Leaves: struct sw_dns; whether an answer is good or late
 * is not its to say. */
#include "capture/dns.h"

#include <stdio.h>

#include "capture/cursor.h"

#define HEADER 12u
#define JUMPS_MAX 64 /* compression pointers in one name */
#define LABEL_MAX 63u
#define QUESTIONS_MAX 4u /* more than one is unheard of; a number like this is not DNS */

struct message {
	const uint8_t *begin;
	struct sw_cursor cursor;
};

static void append(char *name, size_t *used, uint8_t byte)
{
	char text[5];
	int length;

	if (byte == '.' || byte == '\\')
		length = snprintf(text, sizeof text, "\\%c", byte);
	else
		length = snprintf(text, sizeof text, byte > ' ' && byte < 127 ? "%c" : "\\%03u", byte);
	if (*used + (size_t)length >= SW_DNS_NAME)
		return;
	memcpy(name + *used, text, (size_t)length + 1);
	*used += (size_t)length;
}

static bool label(struct sw_cursor *cursor, size_t length, char *name, size_t *used)
{
	const uint8_t *bytes = sw_cursor_take(cursor, length);

	if (!bytes)
		return false;
	if (*used && *used + 1 < SW_DNS_NAME) {
		name[(*used)++] = '.';
		name[*used] = '\0';
	}
	for (size_t i = 0; i < length; i++)
		append(name, used, bytes[i]);
	return true;
}

/* RFC 1035, section 4.1.4. A pointer must lead to before itself, so that names end. */
static bool read_name(struct message *message, char name[SW_DNS_NAME])
{
	struct sw_cursor at = message->cursor;
	bool jumped = false;
	size_t used = 0;

	name[0] = '\0';
	for (int jumps = 0; jumps < JUMPS_MAX;) {
		const uint8_t *here = at.at;
		uint8_t length = sw_cursor_u8(&at);

		if (at.cut)
			return false;
		if ((length & 0xc0) == 0xc0) {
			size_t offset = (size_t)(length & 0x3f) << 8 | sw_cursor_u8(&at);

			if (at.cut || offset >= (size_t)(here - message->begin))
				return false;
			if (!jumped)
				message->cursor = at;
			jumped = true;
			jumps++;
			at.at = message->begin + offset;
		} else if (length > LABEL_MAX) {
			return false;
		} else if (!length) {
			if (!jumped)
				message->cursor = at;
			if (!used)
				memcpy(name, ".", 2);
			return true;
		} else if (!label(&at, length, name, &used)) {
			return false;
		}
	}
	return false;
}

static bool read_answer(struct message *message, struct sw_dns_answer *answer)
{
	if (!read_name(message, answer->name))
		return false;
	answer->type = sw_cursor_u16(&message->cursor);
	sw_cursor_skip(&message->cursor, 2); /* class */
	answer->ttl = sw_cursor_u32(&message->cursor);
	size_t length = sw_cursor_u16(&message->cursor);
	struct message data = *message;

	sw_cursor_skip(&message->cursor, length);
	if (message->cursor.cut)
		return false;
	answer->target[0] = '\0';
	answer->ip = (struct sw_ip){0};
	if (answer->type == SW_DNS_A && length == 4) {
		answer->ip.family = 4;
		memcpy(answer->ip.bytes, data.cursor.at, 4);
	} else if (answer->type == SW_DNS_AAAA && length == 16) {
		answer->ip.family = 6;
		memcpy(answer->ip.bytes, data.cursor.at, 16);
	} else if (answer->type == SW_DNS_CNAME || answer->type == SW_DNS_PTR || answer->type == SW_DNS_NS) {
		return read_name(&data, answer->target);
	}
	return true;
}

static bool read_question(struct message *message, struct sw_dns *dns, uint16_t count)
{
	char further[SW_DNS_NAME];

	for (uint16_t i = 0; i < count; i++) {
		if (!read_name(message, i ? further : dns->name))
			return false;
		uint16_t type = sw_cursor_u16(&message->cursor);

		sw_cursor_skip(&message->cursor, 2);
		if (!i)
			dns->type = type;
	}
	return !message->cursor.cut;
}

bool sw_dns_decode(struct sw_dns *dns, const uint8_t *bytes, size_t captured, size_t wire)
{
	struct message message = {.begin = bytes, .cursor = sw_cursor_of(bytes, captured)};

	dns->id = sw_cursor_u16(&message.cursor);
	uint16_t flags = sw_cursor_u16(&message.cursor), questions = sw_cursor_u16(&message.cursor);

	dns->answer_total = sw_cursor_u16(&message.cursor);
	sw_cursor_skip(&message.cursor, 4); /* authority, additional */
	dns->response = flags & 0x8000;
	dns->opcode = flags >> 11 & 15;
	dns->truncated = flags & 0x0200;
	dns->recursion_available = flags & 0x0080;
	dns->rcode = flags & 15;
	dns->name[0] = '\0';
	dns->type = dns->answer_count = 0;
	dns->next = NULL;
	dns->cut = captured < wire;
	/* the bit between is reserved and zero; a query answers nothing (an update is no query) */
	if (message.cursor.cut || flags & 0x0040 || questions > QUESTIONS_MAX ||
	    (!dns->response && !dns->opcode && dns->answer_total))
		return false;
	if (!read_question(&message, dns, questions)) {
		if (!dns->cut)
			dns->answer_total = 0;
		return dns->cut; /* the snap length's doing; else it is no DNS */
	}
	while (dns->answer_count < dns->answer_total && dns->answer_count < SW_DNS_ANSWERS) {
		if (!read_answer(&message, &dns->answers[dns->answer_count])) {
			dns->cut = true;
			break;
		}
		dns->answer_count++;
	}
	return true;
}

const char *sw_dns_type_name(uint16_t type)
{
	switch (type) {
	case SW_DNS_A: return "A";
	case SW_DNS_NS: return "NS";
	case SW_DNS_CNAME: return "CNAME";
	case SW_DNS_SOA: return "SOA";
	case SW_DNS_PTR: return "PTR";
	case 15: return "MX";
	case 16: return "TXT";
	case SW_DNS_AAAA: return "AAAA";
	case 33: return "SRV";
	case 64: return "SVCB";
	case 65: return "HTTPS";
	default: return "?";
	}
}

const char *sw_dns_rcode_name(uint8_t rcode)
{
	static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
					    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};

	return rcode < sizeof names / sizeof *names ? names[rcode] : "?";
}
