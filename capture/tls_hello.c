/* ClientHello and ServerHello: versions, cipher suite, server name, protocols. RFC 8446 section 4.1, RFC 6066
 * section 3, RFC 7301. And the names of TLS's numbers. */
#include "capture/tls_hello.h"

#include "capture/cursor.h"

#define VERSION_OF_OLD 0x0303 /* TLS 1.3 says so too, RFC 8446, 4.1.2 */

enum { EXTENSION_NAME = 0, EXTENSION_ALPN = 16, EXTENSION_VERSIONS = 43 };

/* RFC 8446, section 4.1.3: the random of a hello retry request */
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
					 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
					 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static void copy_text(char *text, size_t size, const uint8_t *bytes, size_t length)
{
	size_t used = 0;

	for (; used < length && used + 1 < size; used++)
		text[used] = bytes[used] > ' ' && bytes[used] < 127 ? (char)bytes[used] : '?';
	text[used] = '\0';
}

static void server_name(struct sw_tls_hello *hello, struct sw_cursor value)
{
	sw_cursor_skip(&value, 2);
	uint8_t type = sw_cursor_u8(&value);
	size_t length = sw_cursor_u16(&value);
	const uint8_t *name = sw_cursor_take(&value, length);

	if (name && type == 0)
		copy_text(hello->name, sizeof hello->name, name, length);
}

static void protocols(struct sw_tls_hello *hello, struct sw_cursor value)
{
	size_t used = 0;

	sw_cursor_skip(&value, 2);
	while (sw_cursor_left(&value)) {
		size_t length = sw_cursor_u8(&value);
		const uint8_t *name = sw_cursor_take(&value, length);

		if (!name || used + length + 2 > sizeof hello->protocols)
			return;
		if (used)
			hello->protocols[used++] = ',';
		copy_text(hello->protocols + used, sizeof hello->protocols - used, name, length);
		used += length;
	}
}

/* GREASE (RFC 8701) has values like 0x?a?a: no version. */
static void versions(struct sw_tls_hello *hello, struct sw_cursor value, bool client)
{
	if (client)
		sw_cursor_skip(&value, 1);
	while (sw_cursor_left(&value) >= 2) {
		uint16_t version = sw_cursor_u16(&value);

		if (version >> 8 == 3 && (version > hello->version || !client))
			hello->version = version;
	}
}

/* What was not captured may have told the version: the field of old then says no more than that it is not below TLS 1.2. */
static void extensions(struct sw_tls_hello *hello, struct sw_cursor *cursor, bool client)
{
	struct sw_cursor list = sw_cursor_sub(cursor, sw_cursor_u16(cursor));
	bool told = !list.cut || hello->version != VERSION_OF_OLD;

	while (sw_cursor_left(&list) >= 4) {
		uint16_t type = sw_cursor_u16(&list), length = sw_cursor_u16(&list);
		struct sw_cursor value = sw_cursor_sub(&list, length);

		if (type == EXTENSION_NAME && client)
			server_name(hello, value);
		else if (type == EXTENSION_ALPN)
			protocols(hello, value);
		else if (type == EXTENSION_VERSIONS)
			versions(hello, value, client);
		told |= type == EXTENSION_VERSIONS && !value.cut;
	}
	if (!told)
		hello->version = 0;
}

void sw_tls_client_hello(struct sw_tls_hello *hello, const uint8_t *bytes, size_t length)
{
	struct sw_cursor cursor = sw_cursor_of(bytes, length);

	*hello = (struct sw_tls_hello){.version = sw_cursor_u16(&cursor)};
	sw_cursor_skip(&cursor, 32);
	sw_cursor_skip(&cursor, sw_cursor_u8(&cursor)); /* session */
	sw_cursor_skip(&cursor, sw_cursor_u16(&cursor)); /* cipher suites */
	sw_cursor_skip(&cursor, sw_cursor_u8(&cursor)); /* compression */
	hello->present = !cursor.cut;
	if (hello->present)
		extensions(hello, &cursor, true);
}

void sw_tls_server_hello(struct sw_tls_hello *hello, const uint8_t *bytes, size_t length)
{
	struct sw_cursor cursor = sw_cursor_of(bytes, length);

	*hello = (struct sw_tls_hello){.version = sw_cursor_u16(&cursor)};
	const uint8_t *random = sw_cursor_take(&cursor, 32);

	sw_cursor_skip(&cursor, sw_cursor_u8(&cursor));
	hello->cipher = sw_cursor_u16(&cursor);
	sw_cursor_skip(&cursor, 1);
	hello->present = !cursor.cut;
	hello->retry = random && !memcmp(random, retry_random, sizeof retry_random);
	if (hello->present)
		extensions(hello, &cursor, false);
}

const char *sw_tls_alert_name(uint8_t alert)
{
	static const struct {
		uint8_t alert;
		const char *name;
	} names[] = {
		/* RFC 8446 section 6, RFC 5246 section 7.2 */
		{0, "close_notify"},
		{10, "unexpected_message"},
		{20, "bad_record_mac"},
		{21, "decryption_failed"},
		{22, "record_overflow"},
		{30, "decompression_failure"},
		{40, "handshake_failure"},
		{41, "no_certificate"},
		{42, "bad_certificate"},
		{43, "unsupported_certificate"},
		{44, "certificate_revoked"},
		{45, "certificate_expired"},
		{46, "certificate_unknown"},
		{47, "illegal_parameter"},
		{48, "unknown_ca"},
		{49, "access_denied"},
		{50, "decode_error"},
		{51, "decrypt_error"},
		{60, "export_restriction"},
		{70, "protocol_version"},
		{71, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"},
		{90, "user_canceled"},
		{100, "no_renegotiation"},
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{111, "certificate_unobtainable"},
		{112, "unrecognized_name"},
		{113, "bad_certificate_status_response"},
		{114, "bad_certificate_hash_value"},
		{115, "unknown_psk_identity"},
		{116, "certificate_required"},
		{120, "no_application_protocol"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].alert == alert)
			return names[i].name;
	}
	return "?";
}

const char *sw_tls_version_name(uint16_t version)
{
	static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

	return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : "?";
}

const char *sw_tls_message_name(uint8_t type)
{
	switch (type) {
	case 0: return "HelloRequest";
	case SW_TLS_CLIENT_HELLO: return "ClientHello";
	case SW_TLS_SERVER_HELLO: return "ServerHello";
	case 4: return "NewSessionTicket";
	case SW_TLS_CERTIFICATE: return "Certificate";
	case 12: return "ServerKeyExchange";
	case SW_TLS_CERTIFICATE_REQUEST: return "CertificateRequest";
	case SW_TLS_SERVER_HELLO_DONE: return "ServerHelloDone";
	case 15: return "CertificateVerify";
	case 16: return "ClientKeyExchange";
	case SW_TLS_FINISHED: return "Finished";
	case 22: return "CertificateStatus";
	default: return "handshake";
	}
}
