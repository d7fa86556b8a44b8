// Sends one mail with nodemailer: node node_send.js JSON, as test_clients.py calls it.
'use strict';
const nodemailer = require('nodemailer');
const fs = require('fs');
const o = JSON.parse(process.argv[2]);
const transport = nodemailer.createTransport({
    host: o.host, port: o.port, secure: o.implicit, requireTLS: !o.implicit, name: 'laptop.example',
    authMethod: o.mechanism, auth: {user: o.user, pass: o.password},
    tls: {ca: fs.readFileSync(o.ca), servername: o.name},
});
transport.sendMail({from: o.user, to: o.to, bcc: o.bcc, subject: o.subject, text: o.body})
    .then((info) => { console.log(info.response); transport.close(); })
    .catch((e) => { console.error(`${e.code} ${e.responseCode} ${e.response || e.message}`); process.exit(1); });
