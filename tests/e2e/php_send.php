<?php
// Sends one mail with PHPMailer: php php_send.php JSON, as test_clients.py calls it.
require '/usr/share/php/libphp-phpmailer/src/Exception.php';
require '/usr/share/php/libphp-phpmailer/src/PHPMailer.php';
require '/usr/share/php/libphp-phpmailer/src/SMTP.php';
$o = json_decode($argv[1], true);
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSMTP();
$mail->Host = $o['host'];
$mail->Port = $o['port'];
$mail->Hostname = 'laptop.example';
$mail->SMTPAuth = true;
$mail->AuthType = $o['mechanism'];  // CRAM-MD5 is what some programs insist on first
$mail->Username = $o['user'];
$mail->Password = $o['password'];
$mail->SMTPSecure = $o['implicit'] ? 'ssl' : 'tls';
$mail->SMTPOptions = ['ssl' => ['cafile' => $o['ca'], 'peer_name' => $o['name']]];
$mail->setFrom($o['user']);
foreach ($o['to'] as $to) $mail->addAddress($to);
$mail->addBCC($o['bcc']);
$mail->Subject = $o['subject'];
$mail->Body = $o['body'];
try {
    $mail->send();
} catch (Exception $e) {
    fwrite(STDERR, $mail->ErrorInfo . "\n");
    exit(1);
}
