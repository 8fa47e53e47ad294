; The console: the VGA's text screen, mirrored on the first serial port.
;
; In text mode 3, 80 by 25 characters lie at B8000h as pairs of bytes: the character in code page 437, and its colours (bits 0-3 foreground, 4-6
; background, 7 blinks). The hardware draws the glyphs; scrolling is a copy of memory. The cursor's place is a register of the CRT controller.
;
; Texts hold the codes 10 (new line) and 8 (back), and 1 to 7 change the colour on the screen: 1 grey, 2 white, 3 green, 4 red, 5 yellow, 6 cyan, 7 blue.

SCREEN          equ 0xB8000
COLUMNS         equ 80
ROWS            equ 25
CRTC_INDEX      equ 0x3D4               ; the colour CRTC's address; monochrome adapters have theirs at 3B4h
CRTC_DATA       equ 0x3D5
CRTC_CURSOR_HIGH equ 0x0E
CRTC_CURSOR_LOW equ 0x0F

console_init:
    mov byte [colour], 0x07
; console_clear: an empty screen.
console_clear:
    pushad
    mov edi, SCREEN
    mov ecx, ROWS * COLUMNS / 2
    mov eax, 0x07200720
    rep stosd
    mov dword [cursor], 0
    call show_cursor
    popad
    ret

; console_put: AL = character. One task at a time: a program that is switched to in the middle would find the cursor where it was.
console_put:
    pushfd
    cli
    pushad
    cmp al, 7
    ja .character
    movzx eax, al                       ; a colour
    mov al, [colours + eax]
    mov [colour], al
    jmp .end
.character:
    call serial_put
    cmp byte [console_is_graphics], 0
    jne .end
.screen:
    cmp al, 10
    je .line
    cmp al, 8
    je .back
    mov ah, [colour]
    mov edi, [cursor]
    mov [SCREEN + edi * 2], ax
    inc edi
    jmp .move
.back:
    mov edi, [cursor]
    sub edi, 1
    jc .end
    jmp .move
.line:
    mov eax, [cursor]
    xor edx, edx
    mov ecx, COLUMNS
    div ecx
    inc eax
    mul ecx
    mov edi, eax
.move:
    cmp edi, ROWS * COLUMNS
    jb .placed
    push edi
    mov edi, SCREEN
    mov esi, SCREEN + COLUMNS * 2
    mov ecx, (ROWS - 1) * COLUMNS / 2
    rep movsd
    mov eax, 0x07200720
    mov ecx, COLUMNS / 2
    rep stosd
    pop edi
    sub edi, COLUMNS
.placed:
    mov [cursor], edi
    call show_cursor
.end:
    popad
    popfd
    ret

screen_put:                             ; AL = character
    pushfd
    cli
    pushad
    jmp console_put.screen

show_cursor:
    push eax
    push edx
    mov edx, CRTC_INDEX
    mov al, CRTC_CURSOR_HIGH
    mov ah, [cursor + 1]
    out dx, ax                          ; a word to the index port: index, then data
    mov al, CRTC_CURSOR_LOW
    mov ah, [cursor]
    out dx, ax
    pop edx
    pop eax
    ret

; print: ESI = text that ends with 0.
print:
    pushfd
    pushad
.next:
    lodsb
    test al, al
    jz .done
    call console_put
    jmp .next
.done:
    popad
    popfd
    ret

; print_screen: the same, not on the serial port.
print_screen:
    pushfd
    pushad
.next:
    lodsb
    test al, al
    jz .done
    call screen_put
    jmp .next
.done:
    popad
    popfd
    ret

; print_pushed: for the macro PRINT; the text's address is on the stack, and is taken off.
print_pushed:
    push esi
    mov esi, [esp + 8]
    call print
    pop esi
    ret 4

new_line:
    push eax
    mov al, 10
    call console_put
    pop eax
    ret

; print_blanks: ECX = how many.
print_blanks:
    pushad
    jecxz .done
    test ecx, ecx
    js .done
.next:
    mov al, ' '
    call console_put
    loop .next
.done:
    popad
    ret

; print_column: continues at column ECX of the screen, at least one blank further.
print_column:
    pushad
    mov eax, [cursor]
    xor edx, edx
    mov ebx, COLUMNS
    div ebx
    sub ecx, edx
    jg .enough
    mov ecx, 1
.enough:
    call print_blanks
    popad
    ret

; print_decimal: EAX, without leading zeros. print_decimal_in: the same, right-aligned in ECX columns. print_decimal_2: two digits.
print_decimal:
    push ecx
    xor ecx, ecx
    call print_decimal_in
    pop ecx
    ret

print_decimal_in:
    pushad
    mov edi, number_end
    mov ebx, 10
.next:
    xor edx, edx
    div ebx
    add dl, '0'
    dec edi
    mov [edi], dl
    dec ecx
    test eax, eax
    jnz .next
    call print_blanks
    mov esi, edi
    call print
    popad
    ret

print_decimal_2:
    pushad
    xor edx, edx
    mov ebx, 10
    div ebx
    add al, '0'
    call console_put
    mov al, dl
    add al, '0'
    call console_put
    popad
    ret

; print_hex8, print_hex4, print_hex2: the low 8, 4 or 2 hexadecimal digits of EAX.
print_hex8:
    rol eax, 16
    call print_hex4
    rol eax, 16
print_hex4:
    rol ax, 8
    call print_hex2
    rol ax, 8
print_hex2:
    pushad
    mov ah, al
    shr al, 4
    call .digit
    mov al, ah
    and al, 15
    call .digit
    popad
    ret
.digit:
    cmp al, 10
    sbb al, 0x69                        ; 0-9: the borrow makes it 96h + digit, 10-15: A1h and up; DAS turns both into ASCII
    das
    jmp console_put

; print_text: ESI = text, ECX = its length; for what does not end with 0.
print_text:
    pushad
    jecxz .done
.next:
    lodsb
    call console_put
    loop .next
.done:
    popad
    ret

    section .data
colours: db 0x07, 0x07, 0x0F, 0x0A, 0x0C, 0x0E, 0x0B, 0x09
number: times 11 db 0
number_end: db 0
    section .bss
cursor: resd 1                          ; in characters from the upper left corner
colour: resb 1
console_is_graphics: resb 1             ; the screen shows a picture: print on the serial port alone
    alignb 4
    section .text
