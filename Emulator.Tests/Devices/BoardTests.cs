using Emulator.Devices;
using NUnit.Framework;

namespace Emulator.Tests.Devices;

[TestFixture]
public sealed class BoardTests
{
    [TestCase(0x64, 0xFE, TestName = "Reset_by_keyboard_controller_pulse")]
    [TestCase(0x92, 0x03, TestName = "Reset_by_port_92")]
    [TestCase(0xCF9, 0x06, TestName = "Reset_by_port_CF9")]
    public void Reset(int port, int value)
    {
        // mov dx, port; mov al, value; out dx, al; then count resets in RAM at 500h from the reset vector.
        Board board = Boot(
            [0x2E, 0xFF, 0x06, 0x00, 0x05, 0xBA, (byte)port, (byte)(port >> 8), 0xB0, (byte)value, 0xEE, 0xEB, 0xFE],
            Board.DefaultConfig);
        board.Machine.Run(60);
        Assert.That(board.Machine.Memory.Read<ushort>(0x500), Is.GreaterThan(3));

        Board noReboot = Boot(
            [0x2E, 0xFF, 0x06, 0x00, 0x05, 0xBA, (byte)port, (byte)(port >> 8), 0xB0, (byte)value, 0xEE, 0xEB, 0xFE],
            Board.DefaultConfig with { NoReboot = true });
        RunResult result = noReboot.Machine.Run(1000);
        Assert.That(result.Reason, Is.EqualTo(RunReason.Reset));
        Assert.That(noReboot.Machine.Cpu.Retired, Is.EqualTo(5), "jump, increment, two moves, out");
    }

    [Test]
    public void Reset_by_output_port_of_the_keyboard_controller()
    {
        // mov al, D1; out 64, al; mov al, 02; out 60, al; jmp $
        Board board = Boot([0xB0, 0xD1, 0xE6, 0x64, 0xB0, 0x02, 0xE6, 0x60, 0xEB, 0xFE], Board.DefaultConfig with { NoReboot = true });
        Assert.That(board.Machine.Run(1000).Reason, Is.EqualTo(RunReason.Reset));
    }

    [Test]
    public void Triple_fault_resets_unless_forbidden()
    {
        // lidt [cs:0] with a zero limit, then int3
        byte[] code = [0x2E, 0x0F, 0x01, 0x1E, 0x00, 0x06, 0xCC];
        Board board = Boot(code, Board.DefaultConfig with { NoReboot = true });
        Assert.That(board.Machine.Run(1000).Reason, Is.EqualTo(RunReason.Shutdown));
        Board again = Boot(code, Board.DefaultConfig);
        Assert.That(again.Machine.Run(1000).Reason, Is.EqualTo(RunReason.Limit));
        Assert.That(again.Machine.Cpu.Retired, Is.GreaterThanOrEqualTo(1000));
    }

    [Test]
    public void Debug_exit_ends_the_run_at_its_instruction()
    {
        // mov eax, 2A; out F4, eax; inc word [cs:500]
        Board board = Boot(
            [0x66, 0xB8, 0x2A, 0x00, 0x00, 0x00, 0x66, 0xE7, 0xF4, 0x2E, 0xFF, 0x06, 0x00, 0x05, 0xF4],
            Board.DefaultConfig with { DebugExitPort = 0xF4 });
        RunResult result = board.Machine.Run(1000);
        Assert.That(result, Is.EqualTo(new RunResult(RunReason.DebugExit, 0x55)));
        Assert.That(board.Machine.Memory.Read<ushort>(0x500), Is.Zero);
        Assert.That(board.Machine.Cpu.Retired, Is.EqualTo(3));
    }

    [Test]
    public void Soft_off_ends_the_run()
    {
        // mov dx, B004; mov ax, 2001; out dx, ax
        Board board = Boot([0xBA, 0x04, 0xB0, 0xB8, 0x01, 0x20, 0xEF, 0xEB, 0xFE], Board.DefaultConfig);
        board.Machine.PrepareDirectBoot();
        Assert.That(board.Machine.Run(1000).Reason, Is.EqualTo(RunReason.PoweredOff));
        Assert.That(board.Machine.Cpu.Retired, Is.EqualTo(4));
    }

    [Test]
    public void Dead_halt_ends_the_run_and_sends_what_the_serial_port_still_has()
    {
        // mov dx, 3F8; mov al, 'h'; out dx, al; mov al, 'i'; out dx, al; hlt
        Board board = Boot([0xBA, 0xF8, 0x03, 0xB0, 0x68, 0xEE, 0xB0, 0x69, 0xEE, 0xF4], Board.DefaultConfig);
        List<byte> sent = [];
        board.Machine.Serial[0].Backend = new Backend(sent.Add);
        Assert.That(board.Machine.Run(1000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(sent, Is.EqualTo("hi"u8.ToArray()));
    }

    [Test]
    public void Limit_and_stop_request()
    {
        Board board = Boot([0xEB, 0xFE], Board.DefaultConfig);
        Assert.That(board.Machine.Run(100).Reason, Is.EqualTo(RunReason.Limit));
        Assert.That(board.Machine.Cpu.Retired, Is.EqualTo(100));
        board.Machine.RequestStop();
        Assert.That(board.Machine.Run(100).Reason, Is.EqualTo(RunReason.StopRequested));
        Assert.That(board.Machine.Run(100).Reason, Is.EqualTo(RunReason.Limit));
    }

    [Test]
    public void Timer_interrupt_reaches_the_cpu()
    {
        // Vector 8 counts in 500h and ends the interrupt; the main program starts counter 0 and halts in a loop.
        byte[] handler = [0x2E, 0xFF, 0x06, 0x00, 0x05, 0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF];
        byte[] code =
        [
            0xBC, 0x00, 0x07, // mov sp, 700
            0xB0, 0x11, 0xE6, 0x20, 0xB0, 0x08, 0xE6, 0x21, 0xB0, 0x04, 0xE6, 0x21, 0xB0, 0x01, 0xE6, 0x21, 0xB0, 0xFE, 0xE6, 0x21,
            0xB0, 0x34, 0xE6, 0x43, 0xB0, 0xA9, 0xE6, 0x40, 0xB0, 0x04, 0xE6, 0x40, // mode 2, count 1193
            0xFB, 0xF4, 0xEB, 0xFD, // sti; hlt; jmp hlt
        ];
        Board board = Boot(code, Board.DefaultConfig);
        board.Machine.Memory.WriteBlock(0x600, handler);
        board.Machine.Memory.Write<uint>(8 * 4, 0x600);
        long start = board.Now;
        board.Machine.Run(1000);
        ushort ticks = board.Machine.Memory.Read<ushort>(0x500);
        Assert.That(ticks, Is.GreaterThan(50));
        Assert.That((board.Now - start) / 1_000_000.0, Is.EqualTo((double)ticks).Within(1.5), "one tick a millisecond while halted");
    }

    [Test]
    public void Debug_console_firmware_log_and_post_codes_reach_the_host()
    {
        Board board = new();
        List<byte> console = [];
        List<byte> log = [];
        List<byte> post = [];
        board.Machine.DebugPorts.Console = console.Add;
        board.Machine.DebugPorts.FirmwareLog = log.Add;
        board.Machine.DebugPorts.PostCodeChanged = post.Add;
        board.Out(0xE9, 'x');
        board.Out(0x402, 'y');
        board.Out(0x80, 1);
        board.Out(0x80, 1);
        board.Out(0x80, 2);
        Assert.That((console[0], log[0], post), Is.EqualTo(((byte)'x', (byte)'y', new List<byte> { 1, 2 })));
        Assert.That((board.In(0xE9), board.In(0x402), board.In(0x80)), Is.EqualTo(((byte)0xE9, (byte)0xE9, (byte)2)));
    }

    [Test]
    public void A20_is_one_latch_with_two_writers()
    {
        Board board = new();
        Assert.That(board.In(0x92) & 2, Is.EqualTo(2));
        board.Out(0x92, 0x00);
        Assert.That(board.Machine.Cpu.A20Mask, Is.EqualTo(0xFFEFFFFF));
        board.Out(0x64, 0xD1);
        board.Out(0x60, 0xDF);
        Assert.That(board.Machine.Cpu.A20Mask, Is.EqualTo(0xFFFFFFFF));
        Assert.That(board.In(0x92) & 2, Is.EqualTo(2));
        board.Out(0x64, 0xDD);
        Assert.That(board.In(0x92) & 2, Is.Zero);
        board.Machine.Reset();
        Assert.That(board.Machine.Cpu.A20Mask, Is.EqualTo(0xFFFFFFFF));
    }

    [Test]
    public void Numeric_error_latches_irq_13_until_port_f0()
    {
        Board board = new();
        board.InitializePics();
        board.Machine.Cpu.FerrLine.Set(true);
        Assert.That(board.Acknowledge(), Is.EqualTo(0x75));
        board.Out(0xF0, 0);
        Assert.That(board.Machine.Cpu.IgnoreNumericError, Is.True);
        Assert.That(board.Machine.SlavePic.Irr & 0x20, Is.Zero);
        board.Machine.Cpu.FerrLine.Set(false);
        Assert.That(board.Machine.Cpu.IgnoreNumericError, Is.False);
    }

    [Test]
    public void Com1_and_com3_share_irq_4()
    {
        Board board = new(Board.DefaultConfig with { SerialPorts = 4 });
        board.InitializePics();
        board.Out(0x4D0, 0x10);
        foreach (ushort port in new ushort[] { 0x3F8, 0x3E8 })
        {
            board.Out((ushort)(port + 4), 0x08);
            board.Out((ushort)(port + 1), 0x02);
        }

        Assert.That(board.Acknowledge(), Is.EqualTo(0x0C));
        board.In(0x3FA);
        board.Out(0x20, 0x20);
        Assert.That(board.Interrupting, Is.True);
        board.In(0x3EA);
        Assert.That(board.Interrupting, Is.False);
    }

    [Test]
    public void Host_clock_takes_over_without_a_jump()
    {
        Board board = new();
        board.Advance(123_456);
        long host = 999;
        board.Machine.SetHostClock(() => host);
        Assert.That(board.Now, Is.EqualTo(123_456));
        host += 1000;
        board.Machine.Clock.SampleHost();
        Assert.That(board.Now, Is.EqualTo(124_456));
        board.Machine.SetHostClock(null);
        Assert.That(board.Now, Is.EqualTo(124_456));
        board.Advance(1);
        Assert.That(board.Now, Is.EqualTo(124_457));
    }

    /// <summary>A board that starts with a far jump to code at 0:600h... the code is placed at 1000h, with CS = 0.</summary>
    private static Board Boot(byte[] code, PcMachineConfig config)
    {
        Board board = new(config);
        byte[] rom = new byte[0x1000];
        new byte[] { 0xEA, 0x00, 0x10, 0x00, 0x00 }.CopyTo(rom, 0xFF0);
        board.Machine.Memory.MapRom(0xFFFFF000, rom);
        board.Machine.Memory.WriteBlock(0x1000, code);
        return board;
    }

    private sealed class Backend(Action<byte> write) : Emulator.Devices.Serial.ISerialBackend
    {
        public void Write(byte value) => write(value);
    }
}
