; The keyboard, and the queue of what was typed there or came over the serial port.
;
; A PS/2 keyboard sends scan codes of set 2; the 8042 controller translates them to set 1, which the first PC had: a number for each key, with bit 7 set
; when it is released. E0h comes before the keys that the PC did not have.

KBD_DATA        equ 0x60
KBD_STATUS      equ 0x64                ; bit 0: a byte has come; bit 1: the last one we wrote was not taken yet; bit 5: it is the mouse's
KEYS            equ 256                 ; a power of two

keyboard_init:
    mov ecx, 16
.drain:                                 ; what has come before nobody wants
    in al, KBD_STATUS
    test al, 1
    jz .empty
    in al, KBD_DATA
    loop .drain
.empty:
    mov eax, 1
    mov edx, keyboard_interrupt
    jmp irq_install

keyboard_interrupt:
    in al, KBD_STATUS
    test al, 1
    jz .done
    in al, KBD_DATA
    inc dword [keyboard_bytes]
    cmp al, 0xE0
    je .extended
    movzx ecx, al
    and ecx, 0x7F                       ; the key
    xor ah, ah
    xchg ah, [keyboard_extended]
    cmp cl, 0x1D
    je .control
    cmp cl, 0x2A
    je .shift
    cmp cl, 0x36
    je .shift
    test al, 0x80
    jnz .done
    cmp cl, 0x3A
    je .caps
    cmp cl, KEYMAP_SIZE
    jae .done
    test ah, ah
    jz .plain
    cmp cl, 0x1C                        ; of the E0h keys, Enter and / of the keypad
    je .plain
    cmp cl, 0x35
    jne .done
.plain:
    mov al, [keymap + ecx]
    cmp byte [keyboard_shift], 0
    je .no_shift
    mov al, [keymap_shifted + ecx]
.no_shift:
    test al, al
    jz .done
    mov ah, al                          ; Caps Lock turns letters round
    or ah, 0x20
    cmp ah, 'a'
    jb .no_letter
    cmp ah, 'z'
    ja .no_letter
    xor al, [keyboard_caps]
    cmp byte [keyboard_control], 0
    je .no_letter
    and al, 0x1F
.no_letter:
    jmp key_arrived
.extended:
    mov byte [keyboard_extended], 1
    ret
.shift:
    test ah, ah
    jnz .done                           ; E0 2A: sent around keys of the middle block, means nothing
    not al
    and al, 0x80
    mov [keyboard_shift], al
    ret
.control:
    not al
    and al, 0x80
    mov [keyboard_control], al
    ret
.caps:
    xor byte [keyboard_caps], 0x20
.done:
    ret

; key_arrived: AL = character; with interrupts off. A full queue forgets it.
key_arrived:
    push ecx
    mov ecx, [keys_in]
    sub ecx, [keys_out]
    cmp ecx, KEYS
    jae .full
    mov ecx, [keys_in]
    and ecx, KEYS - 1
    mov [keys + ecx], al
    inc dword [keys_in]
    call tasks_wake
.full:
    pop ecx
    ret

; key_wait: returns AL = the next character; waits until there is one.
key_wait:
    call key_await
    jmp key_poll

; key_await: waits until there is a character, and leaves it where it is.
key_await:
    push edi
.look:
    cli
    mov edi, [keys_in]
    cmp edi, [keys_out]
    jne .came
    mov edi, [current]
    mov dword [edi + Task.state], TASK_WAITING
    int YIELD
    jmp .look
.came:
    sti
    pop edi
    ret

; key_poll: returns AL = the next character. Carry set: there is none.
key_poll:
    push ecx
    mov ecx, [keys_out]
    cmp ecx, [keys_in]
    je .none
    and ecx, KEYS - 1
    mov al, [keys + ecx]
    inc dword [keys_out]
    pop ecx
    clc
    ret
.none:
    pop ecx
    stc
    ret

; key_escape: for what ends by itself, and must leave the shell what was typed ahead. Carry clear: Esc came; it is taken, with what was typed before it.
key_escape:
    push ecx
    push edx
    mov ecx, [keys_out]
.next:
    cmp ecx, [keys_in]
    je .none
    mov edx, ecx
    and edx, KEYS - 1
    inc ecx
    cmp byte [keys + edx], 27
    jne .next
    mov [keys_out], ecx
    pop edx
    pop ecx
    clc
    ret
.none:
    pop edx
    pop ecx
    stc
    ret

    section .data
keymap:
    db 0, 27, "1234567890-=", 8, 9, "qwertyuiop[]", 10, 0, "asdfghjkl;'`", 0, "\zxcvbnm,./", 0, "*", 0, " "
KEYMAP_SIZE equ $ - keymap
keymap_shifted:
    db 0, 27, "!@#$%^&*()_+", 8, 9, "QWERTYUIOP{}", 10, 0, 'ASDFGHJKL:"~', 0, "|ZXCVBNM<>?", 0, "*", 0, " "
    section .bss
    alignb 4
keyboard_bytes: resd 1
keys_in: resd 1
keys_out: resd 1
keys: resb KEYS
keyboard_extended: resb 1
keyboard_shift: resb 1
keyboard_control: resb 1
keyboard_caps: resb 1                   ; 20h while Caps Lock is on
    section .text
