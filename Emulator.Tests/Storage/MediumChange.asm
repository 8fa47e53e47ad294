; A boot disk that looks at drive A and at the CD drive on the second IDE channel again and again, and prints on port E9h for each look: the change line (0, 1),
; the status of INT 13h function 02h and the first byte of sector 2 ("-": not read), the event of GET EVENT STATUS NOTIFICATION, then the first byte of sector
; 16 after "0", or sense key and code; a space.
; nasm -f bin -o MediumChange.bin MediumChange.asm
bits 16
cpu 486
org 0x7C00

SECTOR  equ 0x600
REPLY   equ 0x800
IDE     equ 0x170

    cli
    cld
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7C00
    sti
round:
    mov dx, 0x3F2                       ; drive A, motor on
    mov al, 0x1C
    out dx, al
    mov dx, 0x3F7
    in al, dx
    shr al, 7
    call digit
    mov byte [SECTOR], '-'
    mov ax, 0x0201
    mov bx, SECTOR
    mov cx, 2
    xor dx, dx
    int 0x13
    mov al, ah
    call digit
    mov al, [SECTOR]
    out 0xE9, al

    mov si, get_event
    call packet
    mov al, [REPLY + 4]
    call digit
    mov si, read
    call packet
    jc .sense
    xor al, al
    call digit
    mov al, [REPLY]
    out 0xE9, al
    jmp .next
.sense:
    mov si, request_sense
    call packet
    mov al, [REPLY + 2]
    call digit
    mov al, [REPLY + 12]
    shr al, 4
    call digit
    mov al, [REPLY + 12]
    call digit
.next:
    mov al, ' '
    out 0xE9, al
    hlt
    hlt
    jmp round

; The packet at SI; what it answers is at REPLY. CF: check condition.
packet:
    mov dx, IDE + 0x206                 ; no interrupts
    mov al, 2
    out dx, al
    mov dx, IDE + 6
    mov al, 0xA0
    out dx, al
    mov dx, IDE + 1
    xor al, al
    out dx, al
    mov dx, IDE + 4                     ; at most 2048 bytes at a time
    out dx, al
    inc dx
    mov al, 8
    out dx, al
    mov dx, IDE + 7
    mov al, 0xA0
    out dx, al
.request:
    in al, dx
    and al, 0x88
    cmp al, 0x08
    jne .request
    mov dx, IDE
    mov cx, 6
    rep outsw
    mov di, REPLY
.status:
    mov dx, IDE + 7
    in al, dx
    test al, 0x80
    jnz .status
    test al, 0x01
    jnz .failed
    test al, 0x08
    jz .done
    mov dx, IDE + 4
    in al, dx
    mov cl, al
    inc dx
    in al, dx
    mov ch, al
    inc cx
    shr cx, 1
    mov dx, IDE
    rep insw
    jmp .status
.failed:
    stc
    ret
.done:
    clc
    ret

digit:                                  ; the low half of AL in hexadecimal
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    out 0xE9, al
    ret

get_event:      db 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0
read:           db 0x28, 0, 0, 0, 0, 16, 0, 0, 1, 0, 0, 0
request_sense:  db 0x03, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0

    times 510 - ($ - $$) db 0
    dw 0xAA55
