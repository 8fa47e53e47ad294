using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Frontend;
using Emulator.Frontend.Running;
using Emulator.Tests.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

/// <summary>The ends of a headless run, each by a guest of a few bytes.</summary>
internal sealed class HeadlessRunnerTests
{
    private static readonly byte[] DebugExit = [0xB0, 0x15, 0xE6, 0xF4, 0xEB, 0xFE];
    private static readonly byte[] Halt = [0xFA, 0xF4];
    private static readonly byte[] Loop = [0xEB, 0xFE];
    private static readonly byte[] TripleFault = [0x0F, 0x0B];

    // Writes "ok" to COM1, then sends back every byte that comes, plus one.
    private static readonly byte[] Echo =
    [
        0x66, 0xBA, 0xF8, 0x03, // mov dx, 3f8h
        0xB0, (byte)'o', 0xEE, // mov al, 'o'; out dx, al
        0xB0, (byte)'k', 0xEE, // mov al, 'k'; out dx, al
        0x66, 0xBA, 0xFD, 0x03, // next: mov dx, 3fdh
        0xEC, 0xA8, 0x01, 0x74, 0xFB, // wait: in al, dx; test al, 1; jz wait
        0x66, 0xBA, 0xF8, 0x03, 0xEC, // mov dx, 3f8h; in al, dx
        0xFE, 0xC0, 0xEE, // inc al; out dx, al
        0xEB, 0xED, // jmp next
    ];

    [Test]
    public void Debug_exit_gives_twice_the_value_plus_one_at_that_instruction()
    {
        (HeadlessResult result, PcMachine machine, _) = Run(DebugExit);
        Assert.That(result.ExitStatus, Is.EqualTo((0x15 << 1) | 1));
        Assert.That(machine.Cpu.Retired, Is.EqualTo(2));
    }

    [Test]
    public void Halt_with_interrupts_off_is_success_with_stop_on_halt()
    {
        Assert.That(Run(Halt, stopOnHalt: true).Result.ExitStatus, Is.EqualTo(ExitStatus.Success));
    }

    [Test]
    public void Halt_before_a_limit_is_the_limit() => Assert.That(Run(Halt, maximum: 1000).Result.ExitStatus, Is.EqualTo(ExitStatus.Limit));

    [Test]
    public void Halt_with_nothing_but_masked_timers_is_noticed()
    {
        // Counter 0 of the timer runs, and its interrupt is masked: sti; hlt.
        byte[] code = [0xB0, 0xFF, 0xE6, 0x21, 0xB0, 0x34, 0xE6, 0x43, 0xB0, 0x00, 0xE6, 0x40, 0xE6, 0x40, 0xFB, 0xF4];
        HeadlessResult result = Run(code).Result;
        Assert.That(result.ExitStatus, Is.EqualTo(ExitStatus.Limit));
        Assert.That(result.Message, Does.Contain("no interrupt came any more"));
    }

    [Test]
    public void Triple_fault_without_reset_is_status_4()
    {
        Assert.That(Run(TripleFault).Result.ExitStatus, Is.EqualTo(ExitStatus.Shutdown));
    }

    [Test]
    public void Instruction_limit_is_exact()
    {
        (HeadlessResult result, PcMachine machine, _) = Run(Loop, maximum: 12_345);
        Assert.That(result.ExitStatus, Is.EqualTo(ExitStatus.Limit));
        Assert.That(machine.Cpu.Retired, Is.EqualTo(12_345));
    }

    [Test]
    public void Time_limit_ends_an_endless_loop()
    {
        PcMachine machine = Machine(Loop);
        using HeadlessRunner runner = new(machine, new HeadlessOptions { Timeout = TimeSpan.FromMilliseconds(20) });
        Assert.That(runner.Run().End, Is.EqualTo(HeadlessEnd.Timeout));
    }

    [Test]
    public void Expectations_that_are_met_end_the_run()
    {
        (HeadlessResult result, _, string output) = Run(Echo, script: [Expect("ok"), Send("ab"), Expect("bc$"), Send("1"), Expect("2")]);
        Assert.That(result.End, Is.EqualTo(HeadlessEnd.ScriptComplete));
        Assert.That(result.ExitStatus, Is.EqualTo(ExitStatus.Success));
        Assert.That(output, Is.EqualTo("okbc2"));
    }

    [Test]
    public void Scripted_input_enters_at_the_same_instruction_in_every_run_and_any_slicing()
    {
        long[] retired = new long[3];
        long[] entered = new long[3];
        for (int i = 0; i < retired.Length; i++)
        {
            PcMachine machine = Machine(Echo);
            machine.Cpu.SliceLength = i == 0 ? 1_000_000 : 777 * i;
            using HeadlessRunner runner = new(machine, new HeadlessOptions { Script = [Expect("ok"), Send("hello"), Expect("ifmmp")], MaxInstructions = 10_000_000 });
            List<InputEvent> events = [];
            runner.Input.Applied = events.Add;
            Assert.That(runner.Run().ExitStatus, Is.Zero);
            Assert.That(events, Has.Count.EqualTo(1));
            entered[i] = events[0].Instruction;
            retired[i] = machine.Cpu.Retired;
        }

        // The k goes out when the o has left: 4 us, 1000 instructions.
        Assert.That(entered, Is.All.InRange(1000, 1010).And.All.EqualTo(entered[0]));
        Assert.That(retired, Is.All.EqualTo(retired[0]));
    }

    [Test]
    public void Expectation_that_cannot_be_met_any_more_is_status_8()
    {
        Assert.That(Run(Halt, script: [Expect("never")]).Result.ExitStatus, Is.EqualTo(ExitStatus.Expectation));
        Assert.That(Run(Halt, stopOnHalt: true, script: [Expect("never")]).Result.Message, Does.Contain("'never'"));
        Assert.That(Run(Loop, maximum: 1000, script: [Expect("never")]).Result.ExitStatus, Is.EqualTo(ExitStatus.Limit));
    }

    [Test]
    public void Input_from_another_thread_wakes_a_halted_cpu()
    {
        // sti; hlt: with no timer running the CPU sleeps until it is told to stop.
        PcMachine machine = Machine([0xFB, 0xF4, 0xEB, 0xFD]);
        using HeadlessRunner runner = new(machine, new HeadlessOptions { HasLiveInput = true });
        Task<HeadlessResult> run = Task.Run(runner.Run);
        runner.Stop(HeadlessEnd.Quit);
        Assert.That(run.Result.End, Is.EqualTo(HeadlessEnd.Quit));
    }

    [Test]
    public void Single_steps_give_the_same_end()
    {
        (_, PcMachine whole, string output) = Run(Echo, script: [Expect("ok"), Send("ab"), Expect("bc")]);
        (_, PcMachine steps, string stepped) = Run(Echo, script: [Expect("ok"), Send("ab"), Expect("bc")], singleStep: true);
        Assert.That(stepped, Is.EqualTo(output));
        Assert.That(steps.Cpu.Retired, Is.EqualTo(whole.Cpu.Retired));
    }

    private static ScriptStep Expect(string pattern) => new(ScriptAction.Expect, pattern);

    private static ScriptStep Send(string text) => new(ScriptAction.Send, text, Encoding.ASCII.GetBytes(text));

    private static PcMachine Machine(byte[] code)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 4 << 20, NoReboot = true, DebugExitPort = 0xF4, Cpu = CpuModel.Max });
        machine.Attach(new BootFiles { Kernel = new GuestFile("kernel", KernelImages.MultibootFlat(code)) });
        return machine;
    }

    private static (HeadlessResult Result, PcMachine Machine, string Output) Run(byte[] code, bool stopOnHalt = false, long maximum = 1_000_000, ScriptStep[]? script = null, bool singleStep = false)
    {
        StringBuilder output = new();
        PcMachine machine = Machine(code);
        HeadlessOptions options = new()
        {
            StopOnHalt = stopOnHalt,
            MaxInstructions = maximum,
            Script = script ?? [],
            SingleStep = singleStep,
            SerialOutput = (_, value) => output.Append((char)value),
        };
        using HeadlessRunner runner = new(machine, options);
        HeadlessResult result = runner.Run();
        return (result, machine, output.ToString());
    }
}
