; A guest that writes and reads the first IDE disk by DMA: random sectors, regions and lengths from a seed, a flush now and then.
; A flat multiboot image at 1 MiB. The host patches the block behind PARAMETERS. Output goes to port E9h, one line each:
;   F n     everything of the first n writes was flushed
;   S xxxxxxxx   checksum of all sectors (mode 1)
;   ok, or  E xx   error and status register of a command that failed
; and the guest ends by port F4h with 10h (success) or 11h.
;   nasm -f bin -o disk-guest.bin disk-guest.asm
bits 32
org 0x100000

MULTIBOOT   equ 0x1BADB002
FLAGS       equ 0x00010000
TABLE       equ 0x1F0000
BUFFER      equ 0x200000                ; 64 KiB, aligned
COMMAND     equ 0x1F0
CONTROL     equ 0x3F6
READ_EXT    equ 0x25
WRITE_EXT   equ 0x35
FLUSH_EXT   equ 0xEA

header:
    dd MULTIBOOT, FLAGS, -(MULTIBOOT + FLAGS)
    dd header, header, 0, 0, start

    align 16
    db "PARAMETERS......"
seed:       dd 1
mode:       dd 0                        ; 0 writes, 1 reads everything
sectors:    dd 0                        ; of the disk
amount:     dd 0                        ; sectors to write
between:    dd 16                       ; writes from flush to flush
passes:     dd 1                        ; mode 1: how often

start:
    mov esp, TABLE
    mov eax, 0x80000920                 ; 00:01.1, the base of the bus master
    mov dx, 0xCF8
    out dx, eax
    mov dx, 0xCFC
    in eax, dx
    and eax, 0xFFF0
    mov [master], eax
    mov dx, CONTROL
    mov al, 2                           ; no interrupts: the bus master's status tells
    out dx, al
    cmp dword [mode], 0
    jne read_all

write_next:
    call random
    mov ecx, eax
    and ecx, 127
    inc ecx
    mov [count], ecx
    call random
    mov ebx, [sectors]
    sub ebx, ecx
    inc ebx
    xor edx, edx
    div ebx
    mov [lba], edx
    mov edi, BUFFER
    shl ecx, 7
.fill:
    call random
    mov [edi], eax
    add edi, 4
    dec ecx
    jnz .fill
    mov al, WRITE_EXT
    mov ah, 0x01
    call transfer
    inc dword [written]
    mov eax, [count]
    sub [amount], eax
    jbe .last
    mov eax, [written]
    xor edx, edx
    div dword [between]
    test edx, edx
    jnz write_next
    call flush
    jmp write_next
.last:
    call flush
    jmp success

read_all:
    mov dword [lba], 0
    xor esi, esi                        ; the checksum
.next:
    mov ecx, [sectors]
    sub ecx, [lba]
    jz .done
    cmp ecx, 128
    jbe .sized
    mov ecx, 128
.sized:
    mov [count], ecx
    push esi
    mov al, READ_EXT
    mov ah, 0x09
    call transfer
    pop esi
    mov ecx, [count]
    add [lba], ecx
    shl ecx, 7
    mov edi, BUFFER
.sum:
    rol esi, 1
    add esi, [edi]
    add edi, 4
    dec ecx
    jnz .sum
    jmp .next
.done:
    dec dword [passes]
    jnz read_all
    mov al, 'S'
    call put
    mov al, ' '
    call put
    mov eax, esi
    call put_hex
    mov al, 10
    call put
success:
    mov al, 'o'
    call put
    mov al, 'k'
    call put
    mov al, 10
    call put
    mov al, 0x10
    jmp leave_machine

; Runs command AL for [count] sectors at [lba]; AH goes to the bus master's command register.
transfer:
    mov [command], ax
    ; Two regions: the first ends at a place that the sector number chooses.
    mov ecx, [count]
    shl ecx, 9
    mov eax, [lba]
    imul eax, 2654435761
    shr eax, 8
    xor edx, edx
    div ecx
    and edx, 0xFFFE                     ; bytes of the first region
    mov edi, TABLE
    test edx, edx
    jz .one
    mov dword [edi], BUFFER
    mov [edi + 4], edx
    add edi, 8
.one:
    lea eax, [BUFFER + edx]
    mov [edi], eax
    sub ecx, edx
    and ecx, 0xFFFF
    or ecx, 0x80000000
    mov [edi + 4], ecx
    mov edx, [master]
    xor eax, eax
    out dx, al
    add edx, 4
    mov eax, TABLE
    out dx, eax
    sub edx, 2
    mov al, 0x66                        ; clears error and interrupt
    out dx, al

    mov dx, COMMAND + 6
    mov al, 0x40
    out dx, al
    mov dx, COMMAND + 2
    mov al, [count + 1]
    out dx, al
    inc edx
    mov al, [lba + 3]
    out dx, al
    inc edx
    xor eax, eax
    out dx, al
    inc edx
    out dx, al
    mov dx, COMMAND + 2
    mov al, [count]
    out dx, al
    inc edx
    mov al, [lba]
    out dx, al
    inc edx
    mov al, [lba + 1]
    out dx, al
    inc edx
    mov al, [lba + 2]
    out dx, al
    mov dx, COMMAND + 7
    mov al, [command]
    out dx, al
    mov edx, [master]
    mov al, [command + 1]
    out dx, al
    call wait_ready
    mov edx, [master]
    add edx, 2
    in al, dx
    and al, 3                           ; neither active nor an error
    jnz failure
    ret

flush:
    mov dx, COMMAND + 7
    mov al, FLUSH_EXT
    out dx, al
    call wait_ready
    mov al, 'F'
    call put
    mov al, ' '
    call put
    mov eax, [written]
    call put_hex
    mov al, 10
    jmp put

wait_ready:
    mov dx, CONTROL
.busy:
    in al, dx
    test al, 0x80
    jnz .busy
    test al, 0x21
    jnz failure
    mov dx, COMMAND + 7
    in al, dx
    ret

failure:
    mov al, 'E'
    call put
    mov al, ' '
    call put
    mov dx, COMMAND + 1
    in al, dx
    movzx eax, al
    shl eax, 8
    mov dx, COMMAND + 7
    in al, dx
    call put_hex
    mov al, 10
    call put
    mov al, 0x11
leave_machine:
    out 0xF4, al
    cli
    hlt
    jmp leave_machine

; xorshift32
random:
    mov eax, [seed]
    mov edx, eax
    shl edx, 13
    xor eax, edx
    mov edx, eax
    shr edx, 17
    xor eax, edx
    mov edx, eax
    shl edx, 5
    xor eax, edx
    mov [seed], eax
    ret

put:
    out 0xE9, al
    ret

put_hex:
    mov ecx, 8
.digit:
    rol eax, 4
    push eax
    and al, 15
    cmp al, 10
    sbb al, 0x69
    das
    call put
    pop eax
    dec ecx
    jnz .digit
    ret

    align 4
master:     dd 0
lba:        dd 0
count:      dd 0
written:    dd 0
command:    dd 0
