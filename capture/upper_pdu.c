/* Records of link type 252. https://www.tcpdump.org/linktypes/LINKTYPE_WIRESHARK_UPPER_PDU.html, Wireshark's
 * exported_pdu.h. */
#include "capture/upper_pdu.h"

#include <string.h>

#include "capture/cursor.h"

enum { TAG_END = 0, TAG_DISSECTOR = 12, TAG_HEADER = 4 };

size_t sw_upper_pdu_make(const char *dissector, const char *text, size_t length, uint8_t *buffer, size_t size)
{
	size_t name = strlen(dissector), padded = (name + 3) & ~(size_t)3, head = TAG_HEADER + padded + TAG_HEADER;

	if (size < head)
		return 0;
	memset(buffer, 0, head);
	buffer[1] = TAG_DISSECTOR;
	buffer[2] = (uint8_t)(padded >> 8);
	buffer[3] = (uint8_t)padded;
	for (size_t i = 0; i < name; i++) /* padded with zeros, not terminated */
		buffer[TAG_HEADER + i] = (uint8_t)dissector[i];
	if (length > size - head)
		length = size - head;
	memcpy(buffer + head, text, length);
	return head + length;
}

bool sw_upper_pdu_split(const uint8_t *record, size_t length, char dissector[64], const uint8_t **data,
			size_t *data_length)
{
	struct sw_cursor cursor = sw_cursor_of(record, length);

	dissector[0] = '\0';
	for (;;) {
		uint16_t tag = sw_cursor_u16(&cursor), size = sw_cursor_u16(&cursor);
		const uint8_t *value = sw_cursor_take(&cursor, size);

		if (cursor.cut)
			return false;
		if (tag == TAG_END)
			break;
		if (tag == TAG_DISSECTOR && size < 64) {
			memcpy(dissector, value, size);
			dissector[size] = '\0';
		}
	}
	*data = cursor.at;
	*data_length = sw_cursor_left(&cursor);
	return true;
}
