; A guest that is always in the middle of something: an IDE DMA read and write, ATAPI packets by programmed I/O and by DMA, a floppy read and
; write by ISA DMA, frames of a VBE animation. It adds up all it reads, prints the sum to port E9h after each round, and ends by port F4h.
; A flat multiboot image at 1 MiB:   nasm -f bin -Werror -o transfers.bin transfers.asm
bits 32
org 0x100000

MULTIBOOT   equ 0x1BADB002
FLAGS       equ 0x00010000
ROUNDS      equ 4
TABLE       equ 0x1E0000
FLOPPY      equ 0x180000                ; reached by ISA DMA
BUFFER      equ 0x200000
MASTER      equ 0xC000
WIDTH       equ 320
HEIGHT      equ 200

header:
    dd MULTIBOOT, FLAGS, -(MULTIBOOT + FLAGS)
    dd header, header, 0, 0, start

start:
    mov esp, TABLE
    cld
    mov dx, 0x3F6
    mov al, 2
    out dx, al
    mov dx, 0x376
    out dx, al
    call set_mode
    call start_floppy
.round:
    call disk
    call cd
    call floppy
    call animate
    mov eax, [sum]
    call put_hex
    mov al, 10
    out 0xE9, al
    inc dword [round]
    cmp dword [round], ROUNDS
    jne .round
    mov al, 0x10
    out 0xF4, al
    cli
    hlt

; Adds ECX bytes at ESI to the sum.
add_up:
    shr ecx, 2
    mov eax, [sum]
.next:
    rol eax, 1
    add eax, [esi]
    add esi, 4
    dec ecx
    jnz .next
    mov [sum], eax
    ret

; One region of ECX bytes at EDI; the bus master's base in EBX.
table:
    mov [TABLE], edi
    and ecx, 0xFFFF
    or ecx, 0x80000000
    mov [TABLE + 4], ecx
    mov edx, ebx
    xor eax, eax
    out dx, al
    add edx, 4
    mov eax, TABLE
    out dx, eax
    sub edx, 2
    mov al, 0x66
    out dx, al
    ret

; Reads 96 sectors, changes them, writes them elsewhere.
disk:
    mov ebx, MASTER
    mov edi, BUFFER
    mov ecx, 96 * 512
    call table
    mov esi, [round]
    shl esi, 7
    mov ax, 0x09C8
    call disk_command
    mov esi, BUFFER
    mov ecx, 96 * 512
    call add_up
    mov eax, [sum]
    mov [BUFFER + 512], eax
    mov ebx, MASTER
    mov edi, BUFFER
    mov ecx, 96 * 512
    call table
    mov esi, [round]
    shl esi, 7
    add esi, 1000
    mov ax, 0x01CA
    jmp disk_command

; Command AL at sector ESI, 96 sectors; AH to the bus master.
disk_command:
    push eax
    mov dx, 0x1F6
    mov al, 0xE0
    out dx, al
    mov dx, 0x1F2
    mov al, 96
    out dx, al
    mov eax, esi
    inc edx
    out dx, al
    inc edx
    shr eax, 8
    out dx, al
    inc edx
    shr eax, 8
    out dx, al
    pop eax
    mov dx, 0x1F7
    out dx, al
    mov al, ah
    mov edx, MASTER
    out dx, al
    mov dx, 0x3F6
.wait:
    in al, dx
    test al, 0x80
    jnz .wait
    test al, 0x21
    jnz failed
    mov dx, 0x1F7
    in al, dx
    ret

; READ(10) of 5 sectors by programmed I/O in blocks of 3000 bytes, of 24 by DMA.
cd:
    mov byte [packet], 0                ; TEST UNIT READY takes what a reset left
    mov al, 0
    call send_packet
    call wait_cd
    mov byte [packet], 0x28
    mov eax, [round]
    shl eax, 4
    mov [packet + 5], al
    mov byte [packet + 8], 5
    mov al, 0
    call send_packet
    mov edi, BUFFER
.block:
    call wait_cd
    test al, 0x01
    jnz failed
    test al, 0x08
    jz .read
    mov dx, 0x174
    in al, dx
    movzx ecx, al
    inc edx
    in al, dx
    mov ch, al
    shr ecx, 1
    mov dx, 0x170
    rep insw
    jmp .block
.read:
    mov esi, BUFFER
    mov ecx, 5 * 2048
    call add_up
    mov ebx, MASTER + 8
    mov edi, BUFFER
    mov ecx, 24 * 2048
    call table
    mov byte [packet + 8], 24
    mov al, 1
    call send_packet
    mov edx, MASTER + 8
    mov al, 9
    out dx, al
    call wait_cd
    test al, 0x01
    jnz failed
    mov esi, BUFFER
    mov ecx, 24 * 2048
    jmp add_up

; AL to the features register.
send_packet:
    mov dx, 0x171
    out dx, al
    mov dx, 0x176
    mov al, 0xA0
    out dx, al
    mov dx, 0x174
    mov al, 0xB8
    out dx, al
    inc edx
    mov al, 0x0B
    out dx, al
    mov dx, 0x177
    mov al, 0xA0
    out dx, al
    call wait_cd
    mov esi, packet
    mov ecx, 6
    mov dx, 0x170
    rep outsw
    ret

wait_cd:
    mov dx, 0x376
.wait:
    in al, dx
    test al, 0x80
    jnz .wait
    ret

start_floppy:
    mov dx, 0x3F2
    xor eax, eax
    out dx, al
    mov al, 0x1C
    out dx, al
    mov ecx, 100000                     ; until the reset is over
.wait:
    dec ecx
    jnz .wait
    mov ecx, 4
.sense:
    push ecx
    mov al, 8
    call floppy_out
    call floppy_in
    call floppy_in
    pop ecx
    dec ecx
    jnz .sense
    mov dx, 0x3F7
    xor eax, eax
    out dx, al
    ret

; Reads 5 sectors of a head and writes 2 of them to the other.
floppy:
    mov ecx, 5 * 512
    mov bl, 0x46
    call floppy_dma
    mov eax, [round]
    inc eax
    mov [floppy_command + 4], al
    mov byte [floppy_command], 0x46
    mov byte [floppy_command + 1], 0
    mov byte [floppy_command + 3], 0
    call floppy_run
    mov esi, FLOPPY
    mov ecx, 5 * 512
    call add_up
    mov eax, [sum]
    mov [FLOPPY], eax
    mov ecx, 2 * 512
    mov bl, 0x4A
    call floppy_dma
    mov byte [floppy_command], 0x45
    mov byte [floppy_command + 1], 4
    mov byte [floppy_command + 3], 1
floppy_run:
    mov esi, floppy_command
    mov ecx, 9
.send:
    push ecx
    lodsb
    call floppy_out
    pop ecx
    dec ecx
    jnz .send
    call floppy_in                      ; waits for the end
    test al, 0xC0
    jnz failed
    mov ecx, 6
.result:
    push ecx
    call floppy_in
    pop ecx
    dec ecx
    jnz .result
    ret

; Programs channel 2 for ECX bytes at FLOPPY, mode BL.
floppy_dma:
    mov al, 6
    out 0x0A, al
    out 0x0C, al
    mov eax, FLOPPY
    out 0x04, al
    mov al, ah
    out 0x04, al
    shr eax, 16
    mov al, FLOPPY >> 16
    out 0x81, al
    lea eax, [ecx - 1]
    out 0x05, al
    mov al, ah
    out 0x05, al
    mov al, bl
    out 0x0B, al
    mov al, 2
    out 0x0A, al
    ret

floppy_out:
    mov ah, al
    mov dx, 0x3F4
.wait:
    in al, dx
    and al, 0xC0
    cmp al, 0x80
    jne .wait
    inc edx
    mov al, ah
    out dx, al
    ret

floppy_in:
    mov dx, 0x3F4
.wait:
    in al, dx
    and al, 0xC0
    cmp al, 0xC0
    jne .wait
    inc edx
    in al, dx
    ret

; 320 by 200 by 8 with a second page, through the window at A0000h.
set_mode:
    mov esi, mode
    mov ecx, 6
.next:
    lodsw
    mov dx, 0x1CE
    out dx, ax
    lodsw
    mov dx, 0x1CF
    out dx, ax
    dec ecx
    jnz .next
    ret

; Six frames: each draws a pattern that moves into the hidden page and shows it.
animate:
    mov ebp, 6
.frame:
    mov eax, [frame]
    and eax, 1
    imul eax, HEIGHT * WIDTH
    mov edi, 0xA0000
    mov edx, eax
    shr edx, 16                         ; bank
    movzx eax, ax
    add edi, eax
    mov bx, dx
    mov ecx, HEIGHT * WIDTH / 4
.draw:
    cmp edi, 0xB0000
    jb .inside
    inc bx
    sub edi, 0x10000
.inside:
    mov dx, 0x1CE
    mov ax, 5
    out dx, ax
    inc edx
    mov ax, bx
    out dx, ax
    mov edx, 0x4000                     ; dwords that fit in the bank
    mov eax, 0xB0000
    sub eax, edi
    shr eax, 2
    cmp eax, ecx
    jbe .part
    mov eax, ecx
.part:
    sub ecx, eax
    mov edx, eax
.dots:
    mov eax, [frame]
    add eax, ecx
    add eax, edx
    imul eax, 0x01030507
    mov [edi], eax
    add edi, 4
    dec edx
    jnz .dots
    test ecx, ecx
    jnz .draw
    mov dx, 0x1CE
    mov ax, 9                           ; first line shown
    out dx, ax
    inc edx
    mov eax, [frame]
    and eax, 1
    imul eax, HEIGHT
    out dx, ax
    inc dword [frame]
    dec ebp
    jnz .frame
    ret

failed:
    mov al, 'E'
    out 0xE9, al
    mov al, 0x11
    out 0xF4, al
    cli
    hlt

put_hex:
    mov ecx, 8
.digit:
    rol eax, 4
    push eax
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    out 0xE9, al
    pop eax
    dec ecx
    jnz .digit
    ret

    align 4
sum:    dd 0
round:  dd 0
frame:  dd 0
mode:   dw 4, 0, 1, WIDTH, 2, HEIGHT, 3, 8, 7, 2 * HEIGHT, 4, 1
packet: times 12 db 0
floppy_command: db 0x46, 0, 0, 0, 1, 2, 18, 27, 0xFF
