// Intel 82371SB PIIX3, function 0, the PCI to ISA bridge (datasheet 290550): PCI device 1, identification 8086:7000.
//
// Modelled: PIRQ routing registers 60h-63h, reset control register CF9h, advanced power management ports B2h and B3h. There is no system
// management mode: of the commands that B2h would pass to a firmware's SMI handler, the two that the FADT names are carried out by the board
// (F1h enters ACPI mode, F0h leaves it). The other registers are latches. The board wires INTA# to INTD# of device d to PIRQ (d + pin - 1) mod 4, pin
// counted from 0: what ACPI's _PRT and the $PIR of PC firmware for this chip set say. The PIRQs also drive inputs 16 to 19 of the I/O APIC.
//
// Ports: CF9h (bit 2 going from 0 to 1 resets; bit 1 chooses a hard reset, which is what both do here), B2h, B3h.
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Interrupts;

namespace Emulator.Devices.Pci;

/// <summary>The ISA bridge: interrupt routing and reset control.</summary>
public sealed unsafe class Piix3IsaBridge : PciFunction
{
    /// <summary>Number of PIRQ inputs.</summary>
    public const int PirqCount = 4;

    /// <summary>Port for commands to the SMI handler.</summary>
    public const ushort CommandPort = 0xB2;

    /// <summary>Command that enters ACPI mode.</summary>
    public const byte AcpiEnable = 0xF1;

    /// <summary>Command that leaves ACPI mode.</summary>
    public const byte AcpiDisable = 0xF0;

    private const int PirqRoute = 0x60;
    private const byte RouteDisabled = 0x80;
    private const ushort RoutableIrqs = 0xDEF8;
    private const byte ResetCpu = 0x04;
    private const byte ResetControlMask = 0x06;
    private const int SlotsOnBoard = 32 * 4;

    private readonly IrqLine?[] _irqs = new IrqLine?[IsaInterrupts.Count];
    private readonly bool[] _asserted = new bool[SlotsOnBoard];
    private readonly IrqLine[] _pirqs;
    private readonly Action _reset;
    private readonly byte[] _apm = new byte[2];
    private byte _resetControl;

    /// <summary>Creates the bridge.</summary>
    /// <param name="irqs">The ISA interrupts that PIRQs are routed to.</param>
    /// <param name="pirqs">I/O APIC inputs that PIRQA# to PIRQD# drive besides.</param>
    /// <param name="reset">Asks for a reset of the machine.</param>
    public Piix3IsaBridge(IsaInterrupts irqs, IrqLine[] pirqs, Action reset)
        : base("piix3", 0x8086, 0x7000, 0x060100, 0x00, multifunction: true)
    {
        ArgumentNullException.ThrowIfNull(irqs);
        ArgumentNullException.ThrowIfNull(pirqs);
        ArgumentOutOfRangeException.ThrowIfNotEqual(pirqs.Length, PirqCount);
        _pirqs = pirqs;
        _reset = reset;
        Define(CommandRegister, 2, 0x0007, 0x0008);
        Define(StatusRegister, 2, 0x0280, 0, 0x7800);
        Define(0x4C, 1, 0x4D, 0x7F);
        Define(0x4E, 2, 0x0003, 0x01FF);
        for (int i = 0; i < PirqCount; i++)
        {
            Define(PirqRoute + i, 1, RouteDisabled, 0x8F);
        }

        Define(0x69, 1, 0x02, 0xFA);
        Define(0x6A, 2, 0x0000, 0x00F1);
        Define(0x70, 2, 0x8080, 0xEFEF);
        Define(0x76, 2, 0x0C0C, 0x8F8F);
        Define(0x78, 2, 0x0002, 0xFFFF);
        Define(0x80, 1, 0x00, 0x7F);
        Define(0x82, 1, 0x00, 0x0F);
        Define(0xA0, 1, 0x08, 0x1F);
        Define(0xA2, 2, 0x0000, 0x00FF);
        Define(0xA4, 4, 0x0000_0000, 0xFFFF_FFFF);
        Define(0xA8, 1, 0x0F, 0xFF);
        Define(0xAA, 2, 0x0000, 0, 0x00FF);
        Define(0xAC, 1, 0x00, 0xFF);
        Define(0xAE, 1, 0x00, 0xFF);
        for (int i = 0; i < _irqs.Length; i++)
        {
            _irqs[i] = (RoutableIrqs & (1 << i)) != 0 ? irqs.Connect(i) : null;
        }
    }

    /// <summary>Told of each write to <see cref="CommandPort"/>.</summary>
    public Action<byte>? CommandWritten { get; set; }

    /// <summary>Maps the ports; after the PCI bus, whose range CF9h is in.</summary>
    /// <param name="ports">The port space.</param>
    public void Map(PortMap ports)
    {
        ArgumentNullException.ThrowIfNull(ports);
        ports.Map(0xCF9, 1, 1, this, &Read, &Write, &Read);
        ports.Map(CommandPort, 2, 1, this, &Read, &Write, &Read);
    }

    /// <summary>The PIRQ that an interrupt pin of a device is wired to.</summary>
    /// <param name="device">PCI device number, 1 to 31.</param>
    /// <param name="pin">1 for INTA# to 4 for INTD#.</param>
    public static int PirqOf(int device, int pin) => (device - 1 + pin - 1) & 3;

    /// <summary>Creates the line of an interrupt pin of a device.</summary>
    /// <param name="device">PCI device number, 1 to 31.</param>
    /// <param name="pin">1 for INTA# to 4 for INTD#.</param>
    public IrqLine CreateInterrupt(int device, int pin) => new(this, (device << 2) | (pin - 1), &InterruptChanged);

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        _resetControl = 0;
        Array.Clear(_apm);
        RouteInterrupts();
    }

    /// <inheritdoc/>
    public override void Serialize(StateArchive archive)
    {
        ArgumentNullException.ThrowIfNull(archive);
        base.Serialize(archive);
        archive.Array<bool>("asserted", _asserted);
        archive.Array<byte>("apm", _apm);
        archive.Field("resetControl", ref _resetControl);
        if (archive.IsLoading)
        {
            for (int i = 0; i < _irqs.Length; i++)
            {
                _irqs[i]?.Restore(IsRouted(i));
            }

            for (int i = 0; i < PirqCount; i++)
            {
                _pirqs[i].Restore(IsAsserted(i));
            }
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(int offset, int size)
    {
        if (offset < PirqRoute + PirqCount && offset + size > PirqRoute)
        {
            RouteInterrupts();
        }
    }

    private static void InterruptChanged(object target, int number, bool level)
    {
        Piix3IsaBridge bridge = (Piix3IsaBridge)target;
        bridge._asserted[number & (SlotsOnBoard - 1)] = level;
        bridge.RouteInterrupts();
    }

    private static uint Read(object target, ushort port, int size)
    {
        Piix3IsaBridge bridge = (Piix3IsaBridge)target;
        return port == 0xCF9 ? bridge._resetControl : bridge._apm[port & 1];
    }

    private static void Write(object target, ushort port, int size, uint value)
    {
        Piix3IsaBridge bridge = (Piix3IsaBridge)target;
        if (port != 0xCF9)
        {
            bridge._apm[port & 1] = (byte)value;
            if (port == CommandPort)
            {
                bridge.CommandWritten?.Invoke((byte)value);
            }

            return;
        }

        bool rising = (value & ~bridge._resetControl & ResetCpu) != 0;
        bridge._resetControl = (byte)(value & ResetControlMask);
        if (rising)
        {
            bridge._reset();
        }
    }

    private bool IsRouted(int irq)
    {
        for (int i = 0; i < SlotsOnBoard; i++)
        {
            if (_asserted[i])
            {
                uint route = ReadConfiguration(PirqRoute + PirqOf(i >> 2, (i & 3) + 1), 1);
                if (route == (uint)irq)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private bool IsAsserted(int pirq)
    {
        for (int i = 0; i < SlotsOnBoard; i++)
        {
            if (_asserted[i] && PirqOf(i >> 2, (i & 3) + 1) == pirq)
            {
                return true;
            }
        }

        return false;
    }

    private void RouteInterrupts()
    {
        for (int i = 0; i < PirqCount; i++)
        {
            _pirqs[i].Set(IsAsserted(i));
        }

        for (int i = 0; i < _irqs.Length; i++)
        {
            _irqs[i]?.Set(IsRouted(i));
        }
    }
}
