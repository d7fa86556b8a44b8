// A submission server with TLS from the start, which staples an answer about its certificate: node can, Python can't.
// stapler.js PORT CERTIFICATE KEY ANSWER
const fs = require('fs')
const tls = require('tls')

const [port, certificate, key, answer] = process.argv.slice(2)
const replies = {
    EHLO: '250-stapler.example\r\n250-SIZE 1000000\r\n250 AUTH PLAIN', AUTH: '235 2.7.0 Ok', MAIL: '250 2.1.0 Ok',
    RCPT: '250 2.1.5 Ok', RSET: '250 2.0.0 Ok', QUIT: '221 2.0.0 Bye'
}
const server = tls.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, peer => {
    peer.on('error', () => {})
    peer.write('220 stapler.example ESMTP\r\n')
    let heard = ''
    peer.on('data', octets => {
        heard += octets
        for (let end; (end = heard.indexOf('\r\n')) >= 0; heard = heard.slice(end + 2)) {
            const verb = heard.slice(0, end).split(' ')[0].toUpperCase()
            peer.write((replies[verb] || '502 5.5.1 no') + '\r\n')
            if (verb === 'QUIT') peer.end()
        }
    })
})
server.on('OCSPRequest', (own, issuer, give) => give(null, fs.readFileSync(answer)))
server.on('tlsClientError', () => {})
server.listen(Number(port), '127.0.0.1')
