/**
 * Every normative statement of MQTT 3.1.1 and of MQTT 5.0, in our own words. The letter says what
 * becomes of it in the suite: `S` binds a server and has a case, `C` binds clients only, `N` binds
 * a server but cannot be shown from outside, with the reason behind the bar.
 */

export interface Statement {
  /** `3.1.0-1` */
  number: string;
  kind: "server" | "client" | "hidden";
  paraphrase: string;
  /** why a hidden one has no case */
  reason: string;
}

const MQTT_3_1_1 = `
1.4.0-1 S Text is well-formed UTF-8 without surrogates; else the receiver closes
1.4.0-2 S Text has no U+0000; else the receiver closes
1.4.0-3 S EF BB BF is the character U+FEFF wherever it stands and is never stripped
2.2.2-1 S Reserved flag bits have the value that the table gives them
2.2.2-2 S A packet with invalid flags ends the connection
2.3.1-1 S SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 carry a packet identifier that is not zero
2.3.1-2 C A new packet gets an identifier that is not in use
2.3.1-3 C A packet that is sent again keeps its identifier, which is free after its acknowledgement
2.3.1-4 S The same holds for what the server publishes above QoS 0
2.3.1-5 S PUBLISH with QoS 0 has no packet identifier
2.3.1-6 S PUBACK, PUBREC and PUBREL carry the identifier of their PUBLISH
2.3.1-7 S SUBACK and UNSUBACK carry the identifier of what they answer
3.1.0-1 S The first packet on a connection is CONNECT
3.1.0-2 S A second CONNECT is a violation and ends the connection
3.1.2-1 S With another protocol name the server does not go on by this specification
3.1.2-2 S An unknown protocol level is answered with return code 1, then the server closes
3.1.2-3 S The reserved connect flag is checked; if it is set the client is disconnected
3.1.2-4 S Without clean session the earlier session is taken up, or a new one made; it is kept
3.1.2-5 S For an absent session QoS 1 and 2 messages that match its subscriptions are kept
3.1.2-6 S Clean session drops what was and lasts as long as the connection
3.1.2-7 S Retained messages do not belong to a session and outlive it
3.1.2-8 S An accepted will is kept and published when the connection ends without DISCONNECT
3.1.2-9 S With the will flag, QoS and retain of the will count and topic and message are there
3.1.2-10 S The will is forgotten once published or after DISCONNECT
3.1.2-11 S Without the will flag its QoS and retain bits are 0 and its fields absent
3.1.2-12 S Without the will flag nothing is published at the end
3.1.2-13 S Without the will flag the will QoS is 0
3.1.2-14 S The will QoS is 0, 1 or 2, never 3
3.1.2-15 S Without the will flag will retain is 0
3.1.2-16 S Without will retain the will is published as not retained
3.1.2-17 S With will retain the will is published as retained
3.1.2-18 S Without the user name flag there is no user name in the payload
3.1.2-19 S With the user name flag there is a user name in the payload
3.1.2-20 S Without the password flag there is no password in the payload
3.1.2-21 S With the password flag there is a password in the payload
3.1.2-22 S Without user name there is no password
3.1.2-23 C A client that has nothing else to send within its keep alive sends PINGREQ
3.1.2-24 S Silence of one and a half keep alives ends the connection as a network failure would
3.1.3-1 S Payload order: client identifier, will topic, will message, user name, password
3.1.3-2 S The client identifier names the session on both sides
3.1.3-3 S The client identifier is there and comes first in the payload
3.1.3-4 S The client identifier is UTF-8
3.1.3-5 S Client identifiers of 1 to 23 letters and digits are accepted
3.1.3-6 S A server that accepts an empty client identifier gives the client a unique one
3.1.3-7 C An empty client identifier goes with clean session only
3.1.3-8 S An empty client identifier without clean session gets return code 2 and the end
3.1.3-9 S A client identifier that is not accepted gets return code 2, then the server closes
3.1.3-10 S The will topic is UTF-8
3.1.3-11 S The user name is UTF-8
3.1.4-1 S A CONNECT that breaks the format ends the connection without CONNACK
3.1.4-2 S A client that connects again under the same identifier ends the older connection
3.1.4-3 S A valid CONNECT is processed as its clean session flag says
3.1.4-4 S A valid CONNECT is answered with CONNACK and return code 0
3.1.4-5 S What follows a CONNECT that was refused is not processed
3.2.0-1 S The first packet from the server is CONNACK
3.2.2-1 S With clean session, session present is 0
3.2.2-2 S Without clean session and with a kept session, session present is 1
3.2.2-3 S Without a kept session, session present is 0
3.2.2-4 S A refusal has session present 0
3.2.2-5 S After a refusal the server closes
3.2.2-6 S Where no return code fits the server closes without CONNACK
3.3.1-1 S What is delivered again carries DUP
3.3.1-2 S QoS 0 never carries DUP
3.3.1-3 S DUP towards a subscriber does not depend on DUP from the publisher
3.3.1-4 S A PUBLISH with both QoS bits ends the connection
3.3.1-5 S A retained message is stored with its QoS for later subscribers
3.3.1-6 S A new subscription gets the last retained message of each matching topic
3.3.1-7 S A retained QoS 0 message replaces what was retained before
3.3.1-8 S What is sent because of a new subscription carries RETAIN
3.3.1-9 S What is sent to an established subscription does not carry RETAIN
3.3.1-10 S An empty retained message is delivered and removes what was retained
3.3.1-11 S An empty message is not stored as retained
3.3.1-12 S A message without RETAIN stores, removes and replaces nothing retained
3.3.2-1 S The topic name is the first field of PUBLISH and is UTF-8
3.3.2-2 S A topic name has no wildcards
3.3.2-3 S The topic name that a subscriber gets matches its filter
3.3.5-1 S With overlapping subscriptions the highest matching QoS is respected
3.3.5-2 S A PUBLISH that is not authorised is acknowledged or ends the connection
3.6.1-1 S PUBREL has the flag bits 0010; anything else ends the connection
3.8.1-1 S SUBSCRIBE has the flag bits 0010; anything else ends the connection
3.8.3-1 S Topic filters in SUBSCRIBE are UTF-8
3.8.3-2 S A server without wildcards refuses filters that have them
3.8.3-3 S SUBSCRIBE has at least one filter with its QoS
3.8.3-4 S Reserved bits in the requested QoS, or QoS 3, end the connection
3.8.4-1 S SUBSCRIBE is answered with SUBACK
3.8.4-2 S SUBACK has the identifier of its SUBSCRIBE
3.8.4-3 S The same filter again replaces the subscription and sends retained messages again
3.8.4-4 S Several filters count as several SUBSCRIBEs with one common SUBACK
3.8.4-5 S SUBACK has a code for every filter: the granted QoS or failure
3.8.4-6 S Delivery is at the lower of published and granted QoS
3.9.3-1 S The codes in SUBACK are in the order of the filters
3.9.3-2 S SUBACK has no other codes than 0, 1, 2 and 0x80
3.10.1-1 S UNSUBSCRIBE has the flag bits 0010; anything else ends the connection
3.10.3-1 S Topic filters in UNSUBSCRIBE are UTF-8
3.10.3-2 S UNSUBSCRIBE has at least one filter
3.10.4-1 S A filter is removed when it is exactly the same, character by character
3.10.4-2 S After UNSUBSCRIBE nothing new is added for delivery
3.10.4-3 S Deliveries above QoS 0 that have begun are completed after UNSUBSCRIBE
3.10.4-4 S UNSUBSCRIBE is answered with UNSUBACK of the same identifier
3.10.4-5 S UNSUBACK comes also where nothing was removed
3.10.4-6 S Several filters count as several UNSUBSCRIBEs with one UNSUBACK
3.12.4-1 S PINGREQ is answered with PINGRESP
3.14.1-1 S DISCONNECT with reserved bits set ends the connection
3.14.4-1 C After DISCONNECT the client closes
3.14.4-2 C After DISCONNECT the client sends nothing more
3.14.4-3 S DISCONNECT discards the will
4.1.0-1 S State is kept as long as the session lasts
4.1.0-2 S A session lasts at least as long as its connection
4.3.1-1 S QoS 0 is sent with DUP 0
4.3.2-1 S QoS 1 sender: unused identifier, DUP 0, unacknowledged until PUBACK
4.3.2-2 S QoS 1 receiver: PUBACK with the identifier, after which it means a new message
4.3.3-1 S QoS 2 sender: unused identifier, DUP 0, PUBREL after PUBREC, no PUBLISH again after PUBREL
4.3.3-2 S QoS 2 receiver: PUBREC, no second delivery until PUBREL, PUBCOMP, then a new message
4.4.0-1 S On return to a session, unacknowledged PUBLISH and PUBREL go out again unchanged
4.5.0-1 S A message that was taken is added to every session with a matching subscription
4.5.0-2 C A client acknowledges what it receives whatever it does with it
4.6.0-1 S What is sent again is sent in its first order
4.6.0-2 S PUBACKs are in the order of their PUBLISHes
4.6.0-3 S PUBRECs are in the order of their PUBLISHes
4.6.0-4 S PUBRELs are in the order of their PUBRECs
4.6.0-5 S Every topic is ordered unless configured otherwise
4.6.0-6 S Messages of one client on a topic and QoS reach a subscriber in the order received
4.7.1-1 S Wildcards are for filters and never in a topic name
4.7.1-2 S The number sign stands alone or behind a separator, and last
4.7.1-3 S The plus sign fills a whole level
4.7.2-1 S A filter that begins with a wildcard does not match a topic that begins with a dollar sign
4.7.3-1 S Topic names and filters have at least one character
4.7.3-2 S Topic names and filters have no U+0000
4.7.3-3 S Topic names and filters have at most 65 535 bytes
4.7.3-4 S Matching neither normalises nor changes any character
4.8.0-1 S A protocol violation ends the connection that it came on
4.8.0-2 S A passing error in handling a packet ends the connection that it came on
6.0.0-1 S WebSocket: packets come in binary frames; another kind ends the connection
6.0.0-2 S WebSocket: frames and packets need not begin together
6.0.0-3 C WebSocket: the client offers the subprotocol mqtt
6.0.0-4 S WebSocket: the server answers with the subprotocol mqtt
7.0.0-1 N A server that connects to others conforms as both | the sum of all other statements
7.0.0-2 S Interoperation needs no extension
7.1.1-1 S A server offers an ordered, lossless stream transport
7.1.2-1 C A client uses an ordered, lossless stream transport
`;

const NO_USER_PROPERTY = "this server adds no user property of its own";
const NO_REASON_STRING = "this server sends no reason string here";
const NO_AUTH = "this server supports no authentication method and never sends AUTH";
const ALL_QOS = "this server supports QoS 2";

const MQTT_5_0 = `
1.5.4-1 S Text is well-formed UTF-8 without surrogates
1.5.4-2 S Text has no U+0000
1.5.4-3 S EF BB BF is the character U+FEFF wherever it stands and is never stripped
1.5.5-1 S A variable byte integer has the least number of bytes
1.5.7-1 S Both halves of a string pair are text in the sense of 1.5.4
2.1.3-1 S Reserved flag bits have the value that the table gives them
2.2.1-2 S PUBLISH with QoS 0 has no packet identifier
2.2.1-3 S SUBSCRIBE, UNSUBSCRIBE, PUBLISH above QoS 0 carry an unused identifier, not 0
2.2.1-4 S What the server publishes above QoS 0 carries an unused identifier that is not zero
2.2.1-5 S PUBACK, PUBREC, PUBREL and PUBCOMP carry the identifier of their PUBLISH
2.2.1-6 S SUBACK and UNSUBACK carry the identifier of what they answer
2.2.2-1 S No properties are written as length 0
3.1.0-1 S The first packet on a connection is CONNECT
3.1.0-2 S A second CONNECT is a protocol error and ends the connection
3.1.2-1 S The protocol name is MQTT; else the server closes, with CONNACK 0x84 if it likes
3.1.2-2 S An unknown protocol version ends the connection, with CONNACK 0x84 if the server likes
3.1.2-3 S The reserved connect flag is checked to be 0
3.1.2-4 S Clean start drops an existing session
3.1.2-5 S Without clean start an existing session is taken up
3.1.2-6 S Without clean start and without a session a new one is made
3.1.2-7 S An accepted will is kept with the session
3.1.2-8 S The will is published after the connection, when its delay is over or the session ends
3.1.2-9 S With the will flag, will properties, topic and payload are there
3.1.2-10 S The will is forgotten once published or after DISCONNECT with reason 0
3.1.2-11 S Without the will flag the will QoS is 0
3.1.2-12 S The will QoS is 0, 1 or 2
3.1.2-13 S Without the will flag will retain is 0
3.1.2-14 S Without will retain the will is published as not retained
3.1.2-15 S With will retain the will is published as retained
3.1.2-16 S Without the user name flag there is no user name in the payload
3.1.2-17 S With the user name flag there is a user name in the payload
3.1.2-18 S Without the password flag there is no password in the payload
3.1.2-19 S With the password flag there is a password in the payload
3.1.2-20 C A client that has nothing else to send within its keep alive sends PINGREQ
3.1.2-21 C A client uses the keep alive that the server gives it
3.1.2-22 S Silence of one and a half keep alives ends the connection as a network failure would
3.1.2-23 S The session is kept after the connection when its expiry is above 0
3.1.2-24 S The client's maximum packet size is respected
3.1.2-25 S What is too large for a client is dropped and counts as delivered
3.1.2-26 S No topic alias above the client's maximum is sent
3.1.2-27 S Without topic alias maximum no alias is sent
3.1.2-28 S Response information is not sent to a client that does not ask for it
3.1.2-29 S Without problem information only PUBLISH, CONNACK and DISCONNECT explain themselves
3.1.2-30 C With an authentication method only AUTH and DISCONNECT go before CONNACK
3.1.3-1 S Payload order: client identifier, will properties, topic, payload, user name, password
3.1.3-2 S The client identifier names the session on both sides
3.1.3-3 S The client identifier is there and comes first in the payload
3.1.3-4 S The client identifier is UTF-8
3.1.3-5 S Client identifiers of 1 to 23 letters and digits are accepted
3.1.3-6 S A server that accepts an empty client identifier gives the client a unique one
3.1.3-7 S It goes on as if the client had brought it, and tells it in CONNACK
3.1.3-8 S A client identifier that is not accepted ends the connection, CONNACK 0x85 is allowed
3.1.3-9 S A new connection within the will delay prevents the will
3.1.3-10 S The user properties of a will keep their order
3.1.3-11 S The will topic is UTF-8
3.1.3-12 S The user name is UTF-8
3.1.4-1 S A CONNECT that breaks the format ends the connection
3.1.4-2 S A CONNECT that fails further checks ends the connection
3.1.4-3 S A client that connects again ends its older connection, which is told 0x8E
3.1.4-4 S Clean start is processed as described
3.1.4-5 S A valid CONNECT is answered with CONNACK 0
3.1.4-6 S What follows a CONNECT that was refused is not processed, except AUTH
3.2.0-1 S CONNACK 0 comes before anything but AUTH
3.2.0-2 S There is one CONNACK on a connection
3.2.2-1 S Bits 7 to 1 of the acknowledge flags are 0
3.2.2-2 S With clean start, session present is 0
3.2.2-3 S Without clean start, session present tells whether there was a session
3.2.2-4 C A client without state that is told of a session closes
3.2.2-5 C A client with state that is told of none discards it
3.2.2-6 S A refusal has session present 0
3.2.2-7 S After CONNACK with 0x80 and above the server closes
3.2.2-8 S CONNACK has one of its listed reason codes
3.2.2-9 N A server without QoS 1 or 2 tells so | ${ALL_QOS}
3.2.2-10 N A server without QoS 1 or 2 accepts subscriptions of any QoS | ${ALL_QOS}
3.2.2-11 C A client does not publish above the maximum QoS
3.2.2-12 N A will QoS that the server cannot do is refused | ${ALL_QOS}
3.2.2-13 N A retained will is refused where nothing can be retained | this server retains
3.2.2-14 C A client does not retain where that is not available
3.2.2-15 C A client respects the server's maximum packet size
3.2.2-16 S An assigned client identifier is one that no session has
3.2.2-17 C A client sends no alias above the server's maximum
3.2.2-18 C A client sends no alias where the server allows none
3.2.2-19 S A reason string is left out where CONNACK would be too large for the client
3.2.2-20 N A user property is left out where CONNACK would be too large | ${NO_USER_PROPERTY}
3.2.2-21 C A client uses the keep alive that CONNACK gives
3.2.2-22 S Without server keep alive the client's own counts
3.3.1-1 S What is delivered again carries DUP
3.3.1-2 S QoS 0 never carries DUP
3.3.1-3 S DUP towards a subscriber does not depend on DUP from the publisher
3.3.1-4 S A PUBLISH does not have both QoS bits
3.3.1-5 S A retained message replaces what the topic had
3.3.1-6 S An empty retained message is processed and removes what was retained
3.3.1-7 S An empty message is not stored as retained
3.3.1-8 S A message without RETAIN stores, removes and replaces nothing retained
3.3.1-9 S Retain handling 0: retained messages are sent at every subscribe
3.3.1-10 S Retain handling 1: they are sent only for a new subscription
3.3.1-11 S Retain handling 2: they are not sent
3.3.1-12 S Without retain as published RETAIN is 0 towards the subscriber
3.3.1-13 S With retain as published RETAIN is as the publisher set it
3.3.2-1 S The topic name is the first field of PUBLISH and is UTF-8
3.3.2-2 S A topic name has no wildcards
3.3.2-3 S The topic name that a subscriber gets matches its filter
3.3.2-4 S The payload format indicator goes on unaltered
3.3.2-5 S A message that expired before its delivery began is deleted for that subscriber
3.3.2-6 S The expiry towards a subscriber is the received one less the time in the server
3.3.2-7 S Aliases end with their connection
3.3.2-8 S A topic alias is not 0
3.3.2-9 S A topic alias from a client is not above the server's maximum
3.3.2-10 C A client accepts every alias up to its maximum
3.3.2-11 S A topic alias to a client is not above the client's maximum
3.3.2-12 S Every alias from 1 up to the server's maximum is accepted
3.3.2-13 S The response topic is UTF-8
3.3.2-14 S The response topic has no wildcards
3.3.2-15 S The response topic goes on unaltered
3.3.2-16 S The correlation data go on unaltered
3.3.2-17 S User properties go on unaltered
3.3.2-18 S User properties keep their order
3.3.2-19 S The content type is UTF-8
3.3.2-20 S The content type goes on unaltered
3.3.4-1 S A PUBLISH is answered as its QoS says
3.3.4-2 S With overlapping subscriptions the highest matching QoS is respected
3.3.4-3 S The subscription identifiers of overlapping subscriptions are sent
3.3.4-4 S A single copy carries the identifiers of all matching subscriptions
3.3.4-5 N Each of several copies carries the identifier of its own | this server sends one copy
3.3.4-6 S A PUBLISH from a client carries no subscription identifier
3.3.4-7 S A client does not exceed the server's receive maximum
3.3.4-8 C A client does not hold back other packets because of the receive maximum
3.3.4-9 S The client's receive maximum is not exceeded
3.3.4-10 S Other packets are not held back because of the receive maximum
3.4.2-1 S PUBACK has one of its listed reason codes
3.4.2-2 N A reason string is left out where PUBACK would be too large | ${NO_REASON_STRING}
3.4.2-3 N A user property is left out where PUBACK would be too large | ${NO_USER_PROPERTY}
3.5.2-1 S PUBREC has one of its listed reason codes
3.5.2-2 N A reason string is left out where PUBREC would be too large | ${NO_REASON_STRING}
3.5.2-3 N A user property is left out where PUBREC would be too large | ${NO_USER_PROPERTY}
3.6.1-1 S PUBREL has the flag bits 0010; anything else ends the connection
3.6.2-1 S PUBREL has one of its listed reason codes
3.6.2-2 N A reason string is left out where PUBREL would be too large | ${NO_REASON_STRING}
3.6.2-3 N A user property is left out where PUBREL would be too large | ${NO_USER_PROPERTY}
3.7.2-1 S PUBCOMP has one of its listed reason codes
3.7.2-2 N A reason string is left out where PUBCOMP would be too large | ${NO_REASON_STRING}
3.7.2-3 N A user property is left out where PUBCOMP would be too large | ${NO_USER_PROPERTY}
3.8.1-1 S SUBSCRIBE has the flag bits 0010; anything else ends the connection
3.8.3-1 S Topic filters in SUBSCRIBE are UTF-8
3.8.3-2 S SUBSCRIBE has at least one filter with its options
3.8.3-3 S No local: what a client published is not sent back to it
3.8.3-4 S No local on a shared subscription is a protocol error
3.8.3-5 S Reserved option bits make SUBSCRIBE malformed
3.8.4-1 S SUBSCRIBE is answered with SUBACK
3.8.4-2 S SUBACK has the identifier of its SUBSCRIBE
3.8.4-3 S The same filter again replaces the subscription
3.8.4-4 S With retain handling 0 it sends retained messages again; nothing is lost by replacing
3.8.4-5 S Several filters count as several SUBSCRIBEs with one common SUBACK
3.8.4-6 S SUBACK has a reason code for every filter
3.8.4-7 S It is the granted QoS or tells the failure
3.8.4-8 S Delivery is at the lower of published and granted QoS
3.9.2-1 S A reason string is left out where SUBACK would be too large for the client
3.9.2-2 N A user property is left out where SUBACK would be too large | ${NO_USER_PROPERTY}
3.9.3-1 S The codes in SUBACK are in the order of the filters
3.9.3-2 S SUBACK has one of its listed reason codes
3.10.1-1 S UNSUBSCRIBE has the flag bits 0010; anything else ends the connection
3.10.3-1 S Topic filters in UNSUBSCRIBE are UTF-8
3.10.3-2 S UNSUBSCRIBE has at least one filter
3.10.4-1 S A filter is removed when it is exactly the same, character by character
3.10.4-2 S After UNSUBSCRIBE nothing new is added for delivery
3.10.4-3 S Deliveries above QoS 0 that have begun are completed after UNSUBSCRIBE
3.10.4-4 S UNSUBSCRIBE is answered with UNSUBACK
3.10.4-5 S UNSUBACK has the same identifier and comes also where nothing was removed
3.10.4-6 S Several filters count as several UNSUBSCRIBEs with one UNSUBACK
3.11.2-1 N A reason string is left out where UNSUBACK would be too large | ${NO_REASON_STRING}
3.11.2-2 N A user property is left out where UNSUBACK would be too large | ${NO_USER_PROPERTY}
3.11.3-1 S The codes in UNSUBACK are in the order of the filters
3.11.3-2 S UNSUBACK has one of its listed reason codes
3.12.4-1 S PINGREQ is answered with PINGRESP
3.14.0-1 S The server sends DISCONNECT only after a CONNACK below 0x80
3.14.1-1 S DISCONNECT with reserved bits set is malformed
3.14.2-1 S DISCONNECT has one of its listed reason codes
3.14.2-2 S DISCONNECT from the server has no session expiry
3.14.2-3 S A reason string is left out where DISCONNECT would be too large for the client
3.14.2-4 N A user property is left out where DISCONNECT would be too large | ${NO_USER_PROPERTY}
3.14.4-1 S After DISCONNECT nothing more is sent
3.14.4-2 S After DISCONNECT the sender closes
3.14.4-3 S DISCONNECT with reason 0 discards the will
3.15.1-1 S AUTH with reserved bits set is malformed
3.15.2-1 S AUTH has one of its listed reason codes
3.15.2-2 N A reason string is left out where AUTH would be too large | ${NO_AUTH}
3.15.2-3 N A user property is left out where AUTH would be too large | ${NO_AUTH}
4.1.0-1 S State is not discarded while the connection is open
4.1.0-2 S State is discarded when the session has expired after its connection
4.2-1 S An ordered, lossless stream transport is offered
4.3.1-1 S QoS 0 is sent with DUP 0
4.3.2-1 S QoS 1 sender: an unused identifier for each message
4.3.2-2 S QoS 1 sender: first sent with DUP 0
4.3.2-3 S QoS 1 sender: unacknowledged until PUBACK
4.3.2-4 S QoS 1 receiver: PUBACK with the identifier once the message is taken
4.3.2-5 S QoS 1 receiver: after PUBACK the same identifier is a new message
4.3.3-1 S QoS 2 sender: an unused identifier for each message
4.3.3-2 S QoS 2 sender: first sent with DUP 0
4.3.3-3 S QoS 2 sender: unacknowledged until PUBREC
4.3.3-4 S QoS 2 sender: PUBREL of the same identifier after PUBREC below 0x80
4.3.3-5 S QoS 2 sender: PUBREL unacknowledged until PUBCOMP
4.3.3-6 S QoS 2 sender: no PUBLISH again after PUBREL
4.3.3-7 S QoS 2 sender: no expiry once PUBLISH was sent
4.3.3-8 S QoS 2 receiver: PUBREC with the identifier once the message is taken
4.3.3-9 S QoS 2 receiver: after PUBREC of 0x80 and above the same identifier is a new message
4.3.3-10 S QoS 2 receiver: until PUBREL the identifier gets PUBREC and is not delivered again
4.3.3-11 S QoS 2 receiver: PUBREL is answered with PUBCOMP of its identifier
4.3.3-12 S QoS 2 receiver: after PUBCOMP the same identifier is a new message
4.3.3-13 S QoS 2 receiver: the sequence goes on although the message expired
4.4.0-1 S On return to a session unacknowledged packets go out again, and at no other time
4.4.0-2 S PUBACK and PUBREC of 0x80 and above count as acknowledged: no repetition
4.5.0-1 S A message that was taken is added to every session with a matching subscription
4.5.0-2 C A client acknowledges what it receives whatever it does with it
4.6.0-1 S What is sent again is sent in its first order
4.6.0-2 S PUBACKs are in the order of their PUBLISHes
4.6.0-3 S PUBRECs are in the order of their PUBLISHes
4.6.0-4 S PUBRELs are in the order of their PUBRECs
4.6.0-5 S Messages of one client on a topic and QoS reach a subscriber in the order received
4.6.0-6 S Every topic is ordered for subscriptions that are not shared
4.7.0-1 S Wildcards are for filters and never in a topic name
4.7.1-1 S The number sign stands alone or behind a separator, and last
4.7.1-2 S The plus sign fills a whole level
4.7.2-1 S A filter that begins with a wildcard does not match a topic that begins with a dollar sign
4.7.3-1 S Topic names and filters have at least one character
4.7.3-2 S Topic names and filters have no U+0000
4.7.3-3 S Topic names and filters have at most 65 535 bytes
4.7.3-4 S Matching neither normalises nor changes any character
4.8.2-1 S A shared filter begins with $share/ and a share name of at least one character
4.8.2-2 S The share name has no separator or wildcard and is followed by a separator and a filter
4.8.2-3 S The granted QoS of the chosen member is respected
4.8.2-4 S A QoS 2 delivery that has begun is completed to the same client when it returns
4.8.2-5 S If its session ends before, that message goes to nobody else
4.8.2-6 S A message that a member refuses is dropped and not offered to another
4.9.0-1 S The send quota begins at no more than the receive maximum
4.9.0-2 S It is used up by PUBLISH above QoS 0; at zero no more of those are sent
4.9.0-3 S All other packets are processed with the quota at zero
4.12.0-1 S An authentication method that is not supported ends the connection
4.12.0-2 N AUTH from the server has reason 0x18 | ${NO_AUTH}
4.12.0-3 C AUTH from the client has reason 0x18
4.12.0-4 S The server can refuse authentication at any point and then closes
4.12.0-5 N AUTH and CONNACK carry the method of CONNECT | ${NO_AUTH}
4.12.0-6 S Without a method in CONNECT the server sends no AUTH and no method in CONNACK
4.12.0-7 S Without a method in CONNECT the client sends no AUTH
4.12.1-1 C Re-authentication uses the method of CONNECT
4.12.1-2 N A re-authentication that fails ends the connection | ${NO_AUTH}
4.13.1-1 S A malformed packet or protocol error with a given reason code ends the connection
4.13.2-1 S CONNACK or DISCONNECT of 0x80 and above goes with the end of the connection
6.0.0-1 S WebSocket: packets come in binary frames; another kind ends the connection
6.0.0-2 S WebSocket: frames and packets need not begin together
6.0.0-3 C WebSocket: the client offers the subprotocol mqtt
6.0.0-4 S WebSocket: the server answers with the subprotocol mqtt
`;

const KINDS = { S: "server", C: "client", N: "hidden" } as const;

function read(block: string): Statement[] {
  return block.trim().split("\n").map((line) => {
    const match = /^(\S+) ([SCN]) ([^|]+?)(?: \| (.+))?$/.exec(line);
    if (match === null) throw new Error(`Not a statement: "${line}"`);
    const [, number = "", letter, paraphrase = "", reason = ""] = match;
    return { number, kind: KINDS[letter as "S" | "C" | "N"], paraphrase, reason };
  });
}

/** By protocol level. */
export const STATEMENTS: Readonly<Record<"4" | "5", readonly Statement[]>> = {
  4: read(MQTT_3_1_1),
  5: read(MQTT_5_0),
};
