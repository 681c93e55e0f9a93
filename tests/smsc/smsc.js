// A carrier to test against: the protocol is the npm package smpp's, the behaviour is here.
//
//     node tests/smsc/smsc.js [--port N] [--user NAME] [--password WORD] [--dlr-ms N]
//         [--receipts once|twice|reversed|early|none] [--form both|text|fields] [--ids same|padded|hex|decimal]
//         [--throttle N] [--limit N] [--key FILE --cert FILE] [--quiet]
//
// What happens is told on standard output, one JSON object a line. The end of the recipient's number decides:
//
//     …999 throttled N times, then delivered   …998 invalid recipient   …997 undelivered   …996 rejected
//     …995 expired   …994 no receipt   …993 no answer   …992 queue full   …991 system error   else delivered
//
// With --limit N, each second takes N segments and throttles the rest.
// A receipt that was not acknowledged comes again: after half a second, and with the next bind.
// Each line of standard input is a command:
//
//     counts             tells how many segments came for each recipient and text, and in all
//     deliver {…}        sends a deliver_sm with these fields
//     raw HEX            writes these bytes
'use strict';

const fs = require('fs');
const readline = require('readline');
const { parseArgs } = require('util');
const smpp = require('smpp');

const text = (byDefault) => ({ type: 'string', default: byDefault });
const { values: options } = parseArgs({
    options: {
        port: text('0'), user: text('keyfob'), password: text('s3cret'), 'dlr-ms': text('20'),
        receipts: text('once'), form: text('both'), ids: text('same'), throttle: text('2'), limit: text('0'),
        key: { type: 'string' }, cert: { type: 'string' }, quiet: { type: 'boolean', default: false },
    },
});

const REFUSALS = { 998: smpp.ESME_RINVDSTADR, 992: smpp.ESME_RMSGQFUL, 991: smpp.ESME_RSYSERR };
const ENDINGS = { 997: ['UNDELIV', 5, '011'], 996: ['REJECTD', 8, '008'], 995: ['EXPIRED', 3, '000'] };
const DELIVERED = ['DELIVRD', 2, '000'];
const AGAIN = 500;
const DELAY = Number(options['dlr-ms']);

const bound = new Set();
const unacknowledged = new Map();
const counts = new Map();
const throttled = new Map();
let submits = 0;
let second = { since: 0, taken: 0 };
// Another run has other ids.
let lastId = Date.now() * 1000;
let waiting = [];
let timer = null;

const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

// The same id as the answer has it, and as the receipt has it.
function writeId(id) {
    switch (options.ids) {
        case 'padded': return [id.toString(16).toUpperCase().padStart(20, '0'), id.toString(16)];
        case 'hex': return [id.toString(), id.toString(16)];
        case 'decimal': return [id.toString(16), id.toString()];
        default: return [id.toString(), id.toString()];
    }
}

function decode(pdu) {
    const { message, udh } = pdu.short_message;
    const part = udh && [...udh[0].subarray(2)];
    return { message: Buffer.isBuffer(message) ? message.toString('latin1') : message, part: part || null };
}

function bind(session, pdu) {
    const known = pdu.system_id === options.user;
    const status = !known ? smpp.ESME_RINVSYSID : pdu.password === options.password ? 0 : smpp.ESME_RINVPASWD;
    tell('bind', { status, user: pdu.system_id, version: pdu.interface_version, system_type: pdu.system_type });
    session.send(pdu.response({ command_status: status, system_id: 'smsc' }));
    if (status !== 0) return session.close();
    bound.add(session);
    for (const receipt of unacknowledged.values()) deliver(receipt);
}

function submit(session, pdu) {
    const { message, part } = decode(pdu);
    const to = pdu.destination_addr;
    const suffix = to.slice(-3);
    const status = statusOf(suffix, `${to} ${message} ${part}`);
    const [answered, receipted] = writeId(++lastId);
    submits += 1;
    if (status === 0) counts.set(`${to} ${message}`, (counts.get(`${to} ${message}`) || 0) + 1);
    if (!options.quiet) {
        tell('submit', {
            status, id: answered, to, from: pdu.source_addr, text: message, part,
            types: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi],
            esm_class: pdu.esm_class, data_coding: pdu.data_coding, valid_seconds: Math.round((pdu.validity_period - Date.now()) / 1000),
        });
    }
    const receipt = { id: receipted, to, from: pdu.source_addr, ending: ENDINGS[suffix] || DELIVERED };
    const due = status === 0 && suffix !== '994' && suffix !== '993' && options.receipts !== 'none';
    if (due && options.receipts === 'early') deliver(receipt);
    if (suffix !== '993') session.send(pdu.response({ command_status: status, message_id: status ? '' : answered }));
    if (due && options.receipts !== 'early') schedule(receipt);
}

function statusOf(suffix, segment) {
    if (isOverLimit()) return smpp.ESME_RTHROTTLED;
    if (suffix !== '999') return REFUSALS[suffix] || 0;
    const times = throttled.get(segment) || 0;
    throttled.set(segment, times + 1);
    return times < Number(options.throttle) ? smpp.ESME_RTHROTTLED : 0;
}

function isOverLimit() {
    const limit = Number(options.limit);
    if (limit === 0) return false;
    if (Date.now() - second.since >= 1000) second = { since: Date.now(), taken: 0 };
    second.taken += 1;
    return second.taken > limit;
}

function schedule(receipt) {
    if (options.receipts !== 'reversed') {
        setTimeout(() => deliver(receipt), DELAY);
        if (options.receipts === 'twice') setTimeout(() => deliver({ ...receipt, again: true }), 2 * DELAY);
        return;
    }
    waiting.unshift(receipt);
    clearTimeout(timer);
    timer = setTimeout(() => waiting.splice(0).forEach((each) => deliver(each)), DELAY);
}

function deliver(receipt) {
    const { id, to, from, ending: [word, state, error] } = receipt;
    const key = receipt.again ? `${id} again` : id;
    unacknowledged.set(key, receipt);
    const line = `id:${id} sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:${word} err:${error} text:x`;
    const fields = { source_addr: to, destination_addr: from, esm_class: 4 };
    if (options.form !== 'fields') fields.short_message = line;
    if (options.form !== 'text') Object.assign(fields, { receipted_message_id: id, message_state: state });
    for (const session of bound) {
        session.deliver_sm(fields, (answer) => {
            if (!options.quiet) tell('receipt', { id, status: answer.command_status });
            if (answer.command_status === 0) return unacknowledged.delete(key);
            setTimeout(() => deliver(receipt), AGAIN);
        });
        break;
    }
}

const secure = options.key && { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) };
const server = smpp.createServer(secure || {}, (session) => {
    const end = () => bound.delete(session);
    session.on('bind_transceiver', (pdu) => bind(session, pdu));
    session.on('submit_sm', (pdu) => submit(session, pdu));
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('generic_nack', (pdu) => tell('generic_nack', { status: pdu.command_status }));
    session.on('unbind', (pdu) => {
        tell('unbind', {});
        session.send(pdu.response());
        session.close();
    });
    session.on('close', end);
    session.on('error', (error) => {
        tell('error', { message: error.message });
        end();
    });
});
server.on('tlsClientError', (error) => tell('tls_error', { message: error.message }));
server.listen(Number(options.port), '127.0.0.1', () => tell('listening', { port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const [, command, rest] = /^(\S+)\s*(.*)$/.exec(line) || [];
    if (command === 'counts') {
        const segments = [...counts].map(([key, count]) => [...key.match(/^(\S+) ([^]*)$/).slice(1), count]);
        tell('counts', { submits, segments });
    }
    for (const session of bound) {
        if (command === 'deliver') {
            session.deliver_sm(JSON.parse(rest), (answer) => tell('delivered', { status: answer.command_status }));
        }
        if (command === 'raw') session.socket.write(Buffer.from(rest, 'hex'));
    }
});
