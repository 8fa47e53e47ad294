using System.Text;
using Emulator.Devices;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Jit;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>Services under a V86 monitor that denies every port, pages all memory elsewhere and has its own idea of interrupts (V86Monitor.asm).</summary>
internal sealed class V86MonitorTests
{
    private const long Most = 20_000_000;
    private const long Step = 50_000;

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public void Services_return_what_they_return_in_real_mode(bool translated)
    {
        (PcMachine machine, StringBuilder console) = Create();
        using JitTranslator? translator = translated ? new JitTranslator(machine.Cpu, JitOptions.AtFirstSight) : null;
        translator?.Attach();
        Run(machine, () => console.ToString().EndsWith('K'));
        machine.Keyboard.TypeText("b");
        Run(machine, () => console.ToString().IndexOfAny(['=', '!', '#']) >= 0);
        machine.Run(1000);
        Assert.That(console.ToString(), Does.Match("^K[0-9A-F]{8}=$"));
        Assert.That(Convert.ToInt32(console.ToString(1, 8), 16), Is.GreaterThan(5000), "IN and OUT that the monitor did");
    }

    /// <summary>The machine is saved and loaded at odd places, many of them between an OUT that the monitor does for a service and what follows it.</summary>
    [Test]
    public void Save_load_run_equals_run_while_services_wait_for_the_monitor()
    {
        string file = Path.Combine(_folder, "state");
        (PcMachine whole, _) = Create();
        (PcMachine parts, _) = Create();
        IReadOnlyList<Drive> drives = parts.Config.Drives;
        Run(parts, () => parts.BiosPorts.WaitingCalls != 0);
        int waiting = 0;
        for (int i = 0; i < 20; i++)
        {
            parts.Run(9973);
            MachineSnapshot.Save(parts, file);
            parts = MachineSnapshot.Load(file, c => c with { Drives = drives });
            waiting += parts.BiosPorts.WaitingCalls != 0 ? 1 : 0;
        }

        whole.Run(parts.Cpu.Retired);
        Assert.That(waiting, Is.GreaterThan(5));
        Assert.That(parts.Clock.Now, Is.EqualTo(whole.Clock.Now));
        unsafe
        {
            Assert.That(parts.Cpu.State->Eip, Is.EqualTo(whole.Cpu.State->Eip));
            Assert.That(new ReadOnlySpan<byte>(parts.Memory.Ram, 16 << 20).SequenceEqual(new ReadOnlySpan<byte>(whole.Memory.Ram, 16 << 20)));
        }
    }

    private static (PcMachine Machine, StringBuilder Console) Create()
    {
        using Stream resource = typeof(V86MonitorTests).Assembly.GetManifestResourceStream("Emulator.Tests.Firmware.V86Monitor.bin")!;
        byte[] guest = new byte[resource.Length];
        resource.ReadExactly(guest);
        PcMachine machine = SystemBiosTests.Boot(guest, new PcMachineConfig { RamSize = 16 << 20 });
        StringBuilder console = new();
        machine.DebugPorts.Console = b => console.Append((char)b);
        return (machine, console);
    }

    private static void Run(PcMachine machine, Func<bool> isDone)
    {
        while (!isDone() && machine.Cpu.Retired < Most)
        {
            machine.Run(Step);
        }
    }
}
