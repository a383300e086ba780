/* DNS messages, in place: names of the same lengths, so that compression pointers go on leading to them; addresses; nothing else of a
 * record's data but numbers (options, texts, keys and services are emptied). RFC 1035, 3596.
 *
 * Enters: a message, perhaps cut. Leaves: how much of it was understood; what stands behind that must be dropped. */
#include <string.h>

#include "capture/dns.h"
#include "src/anonymize/internal.h"

#define HEADER 12u
enum { TYPE_MX = 15, TYPE_SRV = 33 };

struct message {
	struct sw_anonymizer *anonymizer;
	uint8_t *bytes;
	size_t length, at;
};

/* Labels until the end or a pointer: what a pointer leads to was a name before it, and has been changed there. */
static bool change_name(struct message *message)
{
	while (message->at < message->length) {
		uint8_t length = message->bytes[message->at];
		if (length == 0) {
			message->at++;
			return true;
		}
		if (length >= 0xc0) {
			message->at += 2;
			return message->at <= message->length;
		}
		if (length > 63 || message->length - message->at - 1 < length)
			return false;
		sw_anonymizer_name(message->anonymizer, (char *)message->bytes + message->at + 1, length);
		message->at += 1u + length;
	}
	return false;
}

static uint16_t u16_at(const struct message *message, size_t at)
{
	return (uint16_t)(message->bytes[at] << 8 | message->bytes[at + 1]);
}

/* A name inside the record's data must not reach beyond it. */
static void data_name(struct message *message, size_t skip, size_t end)
{
	struct message data = *message;
	data.at += skip;
	data.length = end;
	if (data.at > end || !change_name(&data))
		data.at = message->at;
	memset(data.bytes + data.at, 0, end - data.at);
}

static void soa(struct message *message, size_t end)
{
	struct message data = *message;
	data.length = end;
	for (int names = 0; names < 2; names++)
		if (!change_name(&data)) {
			memset(message->bytes + message->at, 0, end - message->at);
			return;
		}
}

/* `end` is where the data that is there ends; cut data has no whole address and no whole name. */
static void change_data(struct message *message, uint16_t type, size_t end)
{
	uint8_t *data = message->bytes + message->at;
	size_t length = end - message->at;
	if (type == SW_DNS_A && length == 4)
		sw_anonymizer_bytes4(message->anonymizer, data);
	else if (type == SW_DNS_AAAA && length == 16)
		sw_anonymizer_bytes16(message->anonymizer, data);
	else if (type == SW_DNS_CNAME || type == SW_DNS_NS || type == SW_DNS_PTR)
		data_name(message, 0, end);
	else if (type == TYPE_MX)
		data_name(message, 2, end);
	else if (type == TYPE_SRV)
		data_name(message, 6, end);
	else if (type == SW_DNS_SOA)
		soa(message, end);
	else
		memset(data, 0, length);
}

/* False: nothing behind it can be read. */
static bool record(struct message *message)
{
	size_t begin = message->at;
	if (!change_name(message) || message->length - message->at < 10) {
		message->at = begin;
		return false;
	}
	uint16_t type = u16_at(message, message->at), length = u16_at(message, message->at + 8);
	message->at += 10;
	size_t have = message->length - message->at, end = message->at + (have < length ? have : length);
	change_data(message, type, end);
	message->at = end;
	return have >= length;
}

size_t sw_anonymizer_dns(struct sw_anonymizer *anonymizer, uint8_t *bytes, size_t length)
{
	struct message message = {anonymizer, bytes, length, HEADER};
	struct sw_dns decoded;
	if (length < HEADER || !sw_dns_decode(&decoded, bytes, length, length))
		return 0;
	uint32_t questions = u16_at(&message, 4),
		 records = (uint32_t)u16_at(&message, 6) + u16_at(&message, 8) + u16_at(&message, 10);
	for (; questions; questions--) {
		size_t begin = message.at;
		if (!change_name(&message) || length - message.at < 4)
			return begin;
		message.at += 4;
	}
	for (; records && message.at < length; records--)
		if (!record(&message))
			break;
	return message.at;
}
